// A page of Elastic's Search UI asks through its connector: the state that the page would show is printed.
const [, , url, index] = process.argv;
const module = await import("@elastic/search-ui-elasticsearch-connector");
const Connector = module.default?.default ?? module.default;
const connector = new Connector({ host: url, index });
const config = {
  search_fields: { name: { weight: 3 }, description: {} },
  result_fields: { name: { snippet: {} }, description: { snippet: {} }, price: { raw: {} } },
  disjunctiveFacets: ["brand.keyword"],
  facets: { "brand.keyword": { type: "value" } },
};
const state = (searchTerm, more = {}) => ({ searchTerm, current: 1, resultsPerPage: 5, filters: [], sortList: [], ...more });
const shown = ({ results, facets, totalResults, totalPages }) => ({
  names: results.map((result) => result.name.raw ?? result.name.snippet),
  total: totalResults,
  pages: totalPages,
  facets: (facets["brand.keyword"]?.[0]?.data ?? []).map(({ value, count }) => [value, count]),
});
const found = await connector.onSearch(state("warm gloves"), config);
const filtered = await connector.onSearch(
  state("warm gloves", { filters: [{ field: "brand.keyword", values: ["North"], type: "all" }] }),
  config,
);
const paraphrase = await connector.onSearch(state("caffeine"), config);
console.log(JSON.stringify({ found: shown(found), filtered: shown(filtered), paraphrase: shown(paraphrase) }));
