// A shop's page by InstantSearch over Searchkit's API: prints its address, ends with its input.
import http from "node:http";
import { readFile } from "node:fs/promises";
import API from "@searchkit/api";

const [, , url, index] = process.argv;
const client = (API.default ?? API)({
  connection: { host: url },
  search_settings: {
    search_attributes: [{ field: "name", weight: 3 }, "description"],
    result_attributes: ["name", "description", "price"],
    highlight_attributes: ["name", "description"],
    snippet_attributes: [],
    facet_attributes: [{ attribute: "brand", field: "brand.keyword", type: "string" }],
    sorting: { default: { field: "_score", order: "desc" }, _price: { field: "price", order: "asc" } },
  },
});
const scripts = {
  "/client.js": "node_modules/@searchkit/instantsearch-client/dist/umd/index.global.js",
  "/instantsearch.js": "node_modules/instantsearch.js/dist/instantsearch.production.min.js",
};
const page = `<!doctype html><meta charset="utf-8"><title>Shop</title>
<div id="box"></div><div id="sort"></div><div id="stats"></div><div id="brands"></div><div id="hits"></div><div id="pages"></div>
<script src="/client.js"></script><script src="/instantsearch.js"></script><script>
const search = instantsearch({ indexName: ${JSON.stringify(index)}, searchClient: SearchkitInstantsearchClient({ url: "/api/search" }) });
const { searchBox, sortBy, stats, refinementList, hits, pagination, configure } = instantsearch.widgets;
search.addWidgets([
  configure({ hitsPerPage: 5 }),
  searchBox({ container: "#box" }),
  sortBy({ container: "#sort", items: [
    { label: "best", value: ${JSON.stringify(index)} }, { label: "cheap", value: ${JSON.stringify(index)} + "_price" }] }),
  stats({ container: "#stats", templates: { text: ({ nbHits }) => String(nbHits) } }),
  refinementList({ container: "#brands", attribute: "brand" }),
  hits({ container: "#hits", templates: { item: (hit, { html, components }) =>
    html\`<h2>\${hit.name}</h2><p>\${components.Highlight({ attribute: "description", hit })}</p>\` } }),
  pagination({ container: "#pages" }),
]);
search.start();
</script>`;
const server = http.createServer(async (request, response) => {
  try {
    if (request.url === "/api/search") {
      let text = "";
      for await (const piece of request) text += piece;
      const answer = await client.handleRequest(JSON.parse(text));
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    } else if (scripts[request.url]) {
      response.setHeader("content-type", "text/javascript").end(await readFile(scripts[request.url]));
    } else {
      response.setHeader("content-type", "text/html").end(page);
    }
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(String(error));
  }
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(`http://127.0.0.1:${server.address().port}/`)));
process.stdin.on("end", () => process.exit()).resume();
