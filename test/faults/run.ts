/** `npm run test:faults -- [NAME...] [--seed N] [--scale S]`: everything that must hold under load, faults and bad input; all suites when none is named. */
import { parseArgs } from "node:util";
import { access } from "./access.js";
import { bodies } from "./bodies.js";
import { bombs } from "./bombs.js";
import { cancel } from "./cancel.js";
import { crash } from "./crash.js";
import { disk } from "./disk.js";
import { escapes } from "./escapes.js";
import { kill } from "./kill.js";
import { memory } from "./memory.js";
import { overload } from "./overload.js";
import { pipelines } from "./pipelines.js";
import { registries } from "./registries.js";
import { results } from "./results.js";
import { retries } from "./retries.js";
import { s3 } from "./s3.js";
import { secrets } from "./secrets.js";
import { SeededRandom } from "./seeded-random.js";
import { soak } from "./soak.js";
import { sqllogictest } from "./sqllogictest.js";
import { syscalls } from "./syscalls.js";
import { views } from "./views.js";
import { writers } from "./writers.js";

/** A suite prints its figures and gives what is wrong; `scale` is the share of the full size, `patience` how many times as
 * long as it should an answer may take, which is 1 where nothing runs beside it. */
export type Suite = (random: SeededRandom, scale: number, patience?: number) => Promise<string[]>;

const suites: Readonly<Record<string, Suite>> = {
  writers,
  retries,
  kill,
  syscalls,
  results,
  registries,
  views,
  access,
  pipelines,
  bombs,
  crash,
  memory,
  cancel,
  bodies,
  disk,
  s3,
  overload,
  soak,
  secrets,
  escapes,
  sqllogictest,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, scale: { type: "string", default: "1" } },
});
const unknown = positionals.filter((name) => !(name in suites));
if (unknown.length > 0) throw new Error(`no suite ${unknown.join(", ")}; there are ${Object.keys(suites).join(", ")}`);

const seed = Number(values.seed ?? Math.trunc(Math.random() * 2 ** 31));
for (const [name, suite] of Object.entries(suites)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  console.log(`${name}: the same choices again: npm run test:faults -- ${name} --seed ${seed} --scale ${values.scale}`);
  const started = Date.now();
  const faults = await suite(new SeededRandom(seed), Number(values.scale));
  for (const fault of faults.slice(0, 20)) console.error(`  ✗ ${fault}`);
  console.log(`  ${faults.length} faults in ${Math.round((Date.now() - started) / 1000)} s`);
  if (faults.length > 0) process.exitCode = 1;
}
