// Several behaviours in one process, one after the other: config.behaviours names them.
import { main, reporter } from './common.mjs';

async function matrix(config) {
  for (const name of config.behaviours) {
    const { default: behave } = await import(`./${name}.mjs`);
    await behave(config, reporter(name));
  }
}

await main(import.meta, matrix);
