/** `npm run generate`: writes the generated files that the schemas have outgrown. */
import { writeGenerated } from "./generated-files.js";

const written = await writeGenerated();
console.log(written.length === 0 ? "The generated files are up to date." : `Written:\n  ${written.join("\n  ")}`);
