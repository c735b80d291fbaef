// For containers, whose image has no curl: `node deploy/health.js live|ready` asks the operations port of this node.
const [, , what = "ready"] = process.argv;
const { OPS_HOST = "", OPS_PORT } = process.env;
const everywhere = ["", "0.0.0.0", "::"].includes(OPS_HOST);
const host = everywhere ? "127.0.0.1" : OPS_HOST.includes(":") ? `[${OPS_HOST}]` : OPS_HOST;
const url = `http://${host}:${OPS_PORT || 3001}/health/${what}`;
fetch(url, { signal: AbortSignal.timeout(4000) }).then(
  ({ ok }) => process.exit(ok ? 0 : 1),
  () => process.exit(1),
);
