# An app's walk by Debian's ruby-elasticsearch: what it saw is printed as one JSON value.
require "elasticsearch"
require "json"

url, index = ARGV
client = Elasticsearch::Client.new(url: url)
words = ->(text) { { multi_match: { query: text, fields: ["name^3", "description"] } } }
search = ->(query, more = {}) { client.search(index: index, body: { query: query, size: 5 }.merge(more)) }
ids = ->(answer) { answer["hits"]["hits"].map { |hit| hit["_id"] } }
note = { name: "Espresso pot", description: "Makes strong espresso coffee with crema.", brand: "Acme", price: 12 }

stored = client.index(index: index, id: "note", body: note, refresh: true)
lines = [{ index: { _index: index, _id: "note-2", data: note } }, { delete: { _index: index, _id: "note-2" } }]
bulk = client.bulk(body: lines, refresh: true)
paraphrase = search.(words.("caffeine"))
filtered = search.(
  { bool: { must: words.("warm gloves"), filter: { term: { "brand.keyword" => "North" } } } },
  { aggs: { categories: { terms: { field: "category" } } }, highlight: { fields: { description: {} } } },
)
sorted = search.(words.("gloves"), { sort: [{ price: "asc" }] })
pages = [search.(words.("warm light")), search.(words.("warm light"), { from: 5 })]
many = client.msearch(body: [
  { index: index, search: { query: words.("gloves"), size: 3 } }, { index: index, search: { query: { match_all: {} }, size: 0 } },
])
read = client.get(index: index, id: "note")
count = client.count(index: index)["count"]
missing = begin
  client.get(index: index, id: "nothing") && 200
rescue Elasticsearch::Transport::Transport::Errors::NotFound
  404
end
deleted = client.delete(index: index, id: "note", refresh: true)

puts JSON.generate(
  stored: stored["result"], bulk: bulk["items"].map { |item| item.values.first["result"] }, paraphrase: ids.(paraphrase),
  filtered: {
    ids: ids.(filtered), total: filtered["hits"]["total"]["value"],
    facets: filtered["aggregations"]["categories"]["buckets"].map { |one| one.values_at("key", "doc_count") },
    marked: filtered["hits"]["hits"].count { |hit| hit["highlight"] && hit["highlight"]["description"] },
  },
  sorted: ids.(sorted), pages: pages.map(&ids), many: many["responses"].map(&ids), read: read["_source"], count: count,
  missing: missing, deleted: deleted["result"],
)
