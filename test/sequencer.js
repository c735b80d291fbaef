const { default: Sequencer } = require("@jest/test-sequencer");

/** Files that take a minute or more: begun last, one of them would run alone while the other core waits. */
const LONG =
  /test[\\/](infra[\\/](chaos|degradation|payment|topics\.kafka-outage)|e2e[\\/]crash\.(account|order|payment|recovery))\.test\.ts$/;

module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(({ path }) => LONG.test(path)), ...sorted.filter(({ path }) => !LONG.test(path))];
  }
};
