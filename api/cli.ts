/** `lakegate`: what is done to a service from its machine's command line. */
import { Command } from "commander";
import { DataFusionEngineError } from "../engine/index.js";
import { readState } from "./config.js";
import { ConfigError } from "./config-error.js";
import { keysCommand } from "./keys-command.js";

const program = new Command("lakegate")
  .description("Serves Delta Lake tables with SQL. LAKEGATE_STATE names the state folder of the service that is meant.")
  .addCommand(keysCommand(readState));

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof DataFusionEngineError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
