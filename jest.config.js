/** Packages that are ES modules only: Node requires them as they are, jest's own `require` does not. */
const modules = "node_modules/(openid-client|oauth4webapi|jose)/";
const common = {
  testEnvironment: "node",
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.infra/", "<rootDir>/.test-"],
  transform: { "\\.ts$": "<rootDir>/test/transform.js", [`${modules}.*\\.js$`]: "<rootDir>/test/transform.js" },
  transformIgnorePatterns: [`/node_modules/(?!${modules.slice("node_modules/".length)})`],
};
const project = (name, more = {}) => ({
  ...common,
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  ...more,
});

/** For tests that start processes. */
const compiled = { globalSetup: "<rootDir>/test/compiled.ts" };

/** @type {import("jest").Config} */
module.exports = {
  projects: [
    project("unit"),
    project("integration", compiled),
    // Real servers are started once for all tests that need them; what is absent is named, and in CI fails.
    project("infra", {
      globalSetup: "<rootDir>/test/infra/setup.ts",
      globalTeardown: "<rootDir>/test/infra/teardown.ts",
    }),
    project("e2e", compiled),
    // What the shop is deployed with, checked by real tools; what is absent is named.
    project("deploy"),
  ],
  testSequencer: "<rootDir>/test/sequencer.js",
  testTimeout: 30_000,
  maxWorkers: 2,
};
