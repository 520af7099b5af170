// An app's walk by Elasticsearch's Java client, with its types: what it saw is printed as one JSON value.

import co.elastic.clients.elasticsearch.ElasticsearchClient;
import co.elastic.clients.elasticsearch._types.ElasticsearchException;
import co.elastic.clients.elasticsearch._types.Refresh;
import co.elastic.clients.elasticsearch._types.SortOrder;
import co.elastic.clients.elasticsearch._types.query_dsl.Query;
import co.elastic.clients.elasticsearch.core.SearchResponse;
import co.elastic.clients.elasticsearch.core.search.HighlightField;
import co.elastic.clients.elasticsearch.core.search.Hit;
import co.elastic.clients.util.NamedValue;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Walk {
    private static ElasticsearchClient client;
    private static String index;

    public static void main(String[] arguments) throws Exception {
        index = arguments[1];
        client = ElasticsearchClient.of(builder -> builder.host(arguments[0]));
        Map<String, Object> said = new LinkedHashMap<>();
        Map<String, Object> note =
                Map.of("name", "Espresso pot", "description", "Makes strong espresso coffee with crema.", "brand", "Acme", "price", 12);
        said.put("stored", client.index(i -> i.index(index).id("note").document(note).refresh(Refresh.True)).result().jsonValue());
        var bulk = client.bulk(b -> b.index(index)
                .refresh(Refresh.True)
                .operations(o -> o.index(i -> i.id("note-2").document(note)))
                .operations(o -> o.delete(d -> d.id("note-2"))));
        said.put("bulk", bulk.items().stream().map(item -> item.result()).toList());
        said.put("paraphrase", ids(search(words("caffeine"), 0)));
        said.put("filtered", filtered());
        var sorted = client.search(
                s -> s.index(index).size(5).query(words("gloves")).sort(o -> o.field(f -> f.field("price").order(SortOrder.Asc))),
                Map.class);
        said.put("sorted", ids(sorted));
        said.put("pages", List.of(ids(search(words("warm light"), 0)), ids(search(words("warm light"), 5))));
        var many = client.msearch(
                m -> m.index(index)
                        .searches(r -> r.header(h -> h).body(b -> b.query(words("gloves")).size(3)))
                        .searches(r -> r.header(h -> h).body(b -> b.query(q -> q.matchAll(a -> a)).size(0))),
                Map.class);
        said.put("many", many.responses().stream().map(one -> hits(one.result().hits().hits())).toList());
        said.put("read", client.get(g -> g.index(index).id("note"), Map.class).source());
        said.put("count", client.count(c -> c.index(index)).count());
        try {
            said.put("missing", client.get(g -> g.index(index).id("nothing"), Map.class).found() ? 200 : 404);
        } catch (ElasticsearchException error) {
            said.put("missing", error.status());
        }
        said.put("deleted", client.delete(d -> d.index(index).id("note").refresh(Refresh.True)).result().jsonValue());
        System.out.println(new ObjectMapper().writeValueAsString(said));
        client.close();
    }

    private static Query words(String text) {
        return Query.of(q -> q.multiMatch(m -> m.query(text).fields("name^3", "description")));
    }

    private static SearchResponse<Map> search(Query query, int from) throws Exception {
        return client.search(s -> s.index(index).size(5).from(from).query(query), Map.class);
    }

    private static Map<String, Object> filtered() throws Exception {
        var found = client.search(
                s -> s.index(index)
                        .size(5)
                        .query(q -> q.bool(b -> b.must(words("warm gloves")).filter(f -> f.term(t -> t.field("brand.keyword").value("North")))))
                        .aggregations("categories", a -> a.terms(t -> t.field("category")))
                        .highlight(h -> h.fields(NamedValue.of("description", HighlightField.of(f -> f)))),
                Map.class);
        var buckets = found.aggregations().get("categories").sterms().buckets().array();
        return Map.of(
                "ids", ids(found),
                "total", found.hits().total().value(),
                "facets", buckets.stream().map(bucket -> List.of(bucket.key().stringValue(), bucket.docCount())).toList(),
                "marked", found.hits().hits().stream().filter(hit -> hit.highlight().containsKey("description")).count());
    }

    private static List<String> ids(SearchResponse<Map> answer) {
        return hits(answer.hits().hits());
    }

    private static List<String> hits(List<Hit<Map>> hits) {
        return hits.stream().map(Hit::id).toList();
    }
}
