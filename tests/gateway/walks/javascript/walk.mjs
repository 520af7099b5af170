// An app's walk by @elastic/elasticsearch or @opensearch-project/opensearch: what it saw is printed as one JSON value.
const [, , library, url, index] = process.argv;
const { Client } = await import(library);
const client = new Client({ node: url });
const wrapped = library.startsWith("@opensearch"); // its answers have the body in `body`
const body = (answer) => (wrapped ? answer.body : answer);
const search = async (query, more = {}) => {
  const asked = { query, size: 5, ...more };
  return body(await client.search(wrapped ? { index, body: asked } : { index, ...asked }));
};
const ids = (answer) => answer.hits.hits.map((hit) => hit._id);
const words = (text) => ({ multi_match: { query: text, fields: ["name^3", "description"] } });
const note = { name: "Espresso pot", description: "Makes strong espresso coffee with crema.", brand: "Acme", price: 12 };

const stored = body(await client.index(wrapped ? { index, id: "note", body: note, refresh: true } : { index, id: "note", document: note, refresh: true }));
const lines = [{ index: { _index: index, _id: "note-2" } }, { ...note, name: "Coffee filter" }, { delete: { _index: index, _id: "note-2" } }];
const bulk = body(await client.bulk(wrapped ? { body: lines, refresh: true } : { operations: lines, refresh: true }));
const paraphrase = await search(words("caffeine"));
const filtered = await search(
  { bool: { must: words("warm gloves"), filter: { term: { "brand.keyword": "North" } } } },
  { aggs: { categories: { terms: { field: "category" } } }, highlight: { fields: { description: {} } } },
);
const sorted = await search(words("gloves"), { sort: [{ price: "asc" }] });
const pages = [await search(words("warm light")), await search(words("warm light"), { from: 5 })];
const parts = [{ index }, { query: words("gloves"), size: 3 }, { index }, { query: { match_all: {} }, size: 0 }];
const many = body(await client.msearch(wrapped ? { body: parts } : { searches: parts }));
const read = body(await client.get({ index, id: "note" }));
const count = body(await client.count({ index })).count;
let missing = 0;
try {
  await client.get({ index, id: "nothing" });
} catch (error) {
  missing = error.statusCode;
}
const deleted = body(await client.delete({ index, id: "note", refresh: true }));
console.log(
  JSON.stringify({
    stored: stored.result,
    bulk: bulk.items.map((item) => Object.values(item)[0].result),
    paraphrase: ids(paraphrase),
    filtered: { ids: ids(filtered), total: filtered.hits.total.value, facets: filtered.aggregations.categories.buckets.map(({ key, doc_count }) => [key, doc_count]), marked: filtered.hits.hits.filter((hit) => hit.highlight?.description).length },
    sorted: ids(sorted),
    pages: pages.map(ids),
    many: many.responses.map(ids),
    read: read._source,
    count,
    missing,
    deleted: deleted.result,
  }),
);
await client.close();
