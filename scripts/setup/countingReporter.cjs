// mocha's spec reporter, which also writes how many tests passed and failed to the file named by the option `counts`.
const { writeFileSync } = require("node:fs");
const { Runner, reporters } = require("mocha");

const { EVENT_RUN_END } = Runner.constants;

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { counts } = options.reporterOption ?? options.reporterOptions;
    runner.once(EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(counts, JSON.stringify({ passes, failures, pending }));
    });
  }
};
