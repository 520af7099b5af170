// An app's walk by go-elasticsearch or opensearch-go: what it saw is printed as one JSON value.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	elasticsearch "github.com/elastic/go-elasticsearch/v9"
	opensearch "github.com/opensearch-project/opensearch-go/v4"
)

type object = map[string]any

// ask sends a request by the library's own transport.
var ask func(method, path, body string) (int, object)

func main() {
	library, url, index := os.Args[1], os.Args[2], os.Args[3]
	var perform func(*http.Request) (*http.Response, error)
	if library == "elasticsearch" {
		client, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{url}})
		check(err)
		perform = client.Perform
	} else {
		client, err := opensearch.NewClient(opensearch.Config{Addresses: []string{url}})
		check(err)
		perform = client.Perform
	}
	ask = func(method, path, body string) (int, object) {
		request, err := http.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
		check(err)
		request.Header.Set("Content-Type", "application/json")
		response, err := perform(request)
		check(err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		check(err)
		var answer object
		check(json.Unmarshal(text, &answer))
		return response.StatusCode, answer
	}
	walk("/" + index)
}

func walk(index string) {
	note := `{"name": "Espresso pot", "description": "Makes strong espresso coffee with crema.", "brand": "Acme", "price": 12}`
	_, stored := ask("PUT", index+"/_doc/note?refresh=true", note)
	lines := `{"index": {"_id": "note-2"}}` + "\n" + note + "\n" + `{"delete": {"_id": "note-2"}}` + "\n"
	_, bulk := ask("POST", index+"/_bulk?refresh=true", lines)
	paraphrase := search(index, words("caffeine"), "")
	filtered := search(index, `{"bool": {"must": `+words("warm gloves")+`, "filter": {"term": {"brand.keyword": "North"}}}}`,
		`, "aggs": {"categories": {"terms": {"field": "category"}}}, "highlight": {"fields": {"description": {}}}`)
	sorted := search(index, words("gloves"), `, "sort": [{"price": "asc"}]`)
	first, second := search(index, words("warm light"), ""), search(index, words("warm light"), `, "from": 5`)
	_, many := ask("POST", index+"/_msearch", "{}\n"+`{"query": `+words("gloves")+`, "size": 3}`+"\n{}\n"+`{"query": {"match_all": {}}, "size": 0}`+"\n")
	_, read := ask("GET", index+"/_doc/note", "")
	_, counted := ask("GET", index+"/_count", "")
	missing, _ := ask("GET", index+"/_doc/nothing", "")
	_, deleted := ask("DELETE", index+"/_doc/note?refresh=true", "")
	said := object{
		"stored": stored["result"], "bulk": results(bulk), "paraphrase": ids(paraphrase), "filtered": facets(filtered),
		"sorted": ids(sorted), "pages": []any{ids(first), ids(second)}, "many": responses(many), "read": read["_source"],
		"count": counted["count"], "missing": missing, "deleted": deleted["result"],
	}
	text, err := json.Marshal(said)
	check(err)
	fmt.Println(string(text))
}

func words(text string) string {
	return `{"multi_match": {"query": "` + text + `", "fields": ["name^3", "description"]}}`
}

func search(index, query, more string) object {
	_, answer := ask("POST", index+"/_search", `{"size": 5, "query": `+query+more+`}`)
	return answer
}

func hits(answer object) []any { return answer["hits"].(object)["hits"].([]any) }

func ids(answer object) []any {
	found := []any{}
	for _, hit := range hits(answer) {
		found = append(found, hit.(object)["_id"])
	}
	return found
}

func responses(answer object) []any {
	found := []any{}
	for _, one := range answer["responses"].([]any) {
		found = append(found, ids(one.(object)))
	}
	return found
}

func results(answer object) []any {
	found := []any{}
	for _, item := range answer["items"].([]any) {
		for _, body := range item.(object) {
			found = append(found, body.(object)["result"])
		}
	}
	return found
}

func facets(answer object) object {
	buckets, marked := []any{}, 0
	for _, bucket := range answer["aggregations"].(object)["categories"].(object)["buckets"].([]any) {
		buckets = append(buckets, []any{bucket.(object)["key"], bucket.(object)["doc_count"]})
	}
	for _, hit := range hits(answer) {
		if highlight, has := hit.(object)["highlight"]; has && highlight.(object)["description"] != nil {
			marked++
		}
	}
	total := answer["hits"].(object)["total"].(object)["value"]
	return object{"ids": ids(answer), "total": total, "facets": buckets, "marked": marked}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
