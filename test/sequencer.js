const { default: Sequencer } = require("@jest/test-sequencer");

/** Files that take about a minute: begun last, one of them would run alone while the other core waits. */
const LONG =
  /test[\\/](infra[\\/](chaos|cluster|degradation|topics\.kafka(-outage)?)|e2e[\\/]crash\.(order|payment|recovery))\.test\.ts$/;

module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(({ path }) => LONG.test(path)), ...sorted.filter(({ path }) => !LONG.test(path))];
  }
};
