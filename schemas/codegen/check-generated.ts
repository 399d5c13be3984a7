/** `npm run check:generated`: fails when a generated file differs from what the schemas want. */
import { stalePaths } from "./generated-files.js";

const stale = await stalePaths();
if (stale.length > 0) {
  console.error(`These files differ from schemas/; run \`npm run generate\`:\n  ${stale.join("\n  ")}`);
  process.exitCode = 1;
}
