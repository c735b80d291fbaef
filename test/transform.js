const { transformSync } = require("esbuild");

/** Jest's transform: types are stripped by esbuild, as tsx does it for the running shop; tsc checks them apart. */
module.exports = {
  process: (source, path) =>
    transformSync(source, { loader: "ts", format: "cjs", target: "node24", sourcemap: "inline", sourcefile: path }),
};
