import serveStatic from "serve-static";
// Not the package itself, which runs two bundles for browsers: some 120 ms and 30 MB.
import absolutePath from "swagger-ui-dist/absolute-path";
import type { Middleware } from "./gateway";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Shop API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;
const START = `SwaggerUIBundle({ url: "/api/v1/openapi.json", dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true });\n`;

const assets = serveStatic(absolutePath(), { index: false, redirect: false }) as unknown as Middleware;

/** The API's reference at `/docs`, from files of this project's own: no other host is asked. */
export const referencePages: Middleware = (req, res, next) => {
  const path = req.originalUrl.split("?", 1)[0]?.replace(/\/$/, "");
  if (path === "/docs") {
    res.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(PAGE);
  } else if (path === "/docs/start.js") {
    res.writeHead(200, { "Content-Type": "text/javascript; charset=utf-8" }).end(START);
  } else if (path?.startsWith("/docs/")) {
    req.url = path.slice("/docs".length);
    assets(req, res, next);
  } else {
    next();
  }
};
