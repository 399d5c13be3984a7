#!/usr/bin/env node
/** `npx lakegate`: prepares the clone where that is needed, then runs a command on the state folder that `npm start` uses. */
import { demoState } from "./places.mjs";
import { prepare } from "./prepare.mjs";
import { reportingFailure } from "./steps.mjs";

await reportingFailure(async () => {
  await prepare();
  if (!process.env.LAKEGATE_WAREHOUSE) process.env.LAKEGATE_STATE ||= demoState;
  await import("../dist/api/cli.js");
});
