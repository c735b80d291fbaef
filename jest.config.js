/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  transform: { "\\.ts$": "<rootDir>/test/transform.js" },
  testTimeout: 30_000,
  maxWorkers: 2,
  reporters: ["default"],
};
