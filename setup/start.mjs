/** `npm start`: prepares the clone where that is needed, then serves in this process. */
import { makeDemoWarehouse } from "./demo-warehouse.mjs";
import { demoState, demoWarehouse } from "./places.mjs";
import { prepare } from "./prepare.mjs";
import { reportingFailure } from "./steps.mjs";

await reportingFailure(async () => {
  await prepare();
  if (!process.env.LAKEGATE_WAREHOUSE) {
    process.env.LAKEGATE_WAREHOUSE = demoWarehouse;
    process.env.LAKEGATE_STATE ||= demoState;
    await makeDemoWarehouse(demoWarehouse);
  }
  await import("../dist/api/server.js");
});
