// Several behaviours in one process, one after the other: config.behaviours names them.
// With config.stepwise each reports its end as `over`, and SIGHUP has the next one begin.
import { main, reporter } from './common.mjs';

async function matrix(config) {
  for (const name of config.behaviours) {
    const { default: behave } = await import(`./${name}.mjs`);
    const report = reporter(name);
    await behave(config, report);
    if (config.stepwise) {
      const told = hangup();
      report('over');
      await told;
    }
  }
}

/** Waits for SIGHUP. */
function hangup() {
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 1000); // a handler alone does not keep the process
    process.once('SIGHUP', () => {
      clearInterval(alive);
      resolve();
    });
  });
}

await main(import.meta, matrix);
