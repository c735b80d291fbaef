// For containers, whose image has no curl: `node deploy/health.js live|ready` asks the operations port of this node.
const [, , what = "ready"] = process.argv;
const url = `http://127.0.0.1:${process.env.OPS_PORT || 3001}/health/${what}`;
fetch(url, { signal: AbortSignal.timeout(4000) }).then(
  ({ ok }) => process.exit(ok ? 0 : 1),
  () => process.exit(1),
);
