/** Starts the service: a supervisor, and the worker that serves in a process of its own. */
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";

if (cluster.isPrimary) {
  const { supervise } = await import("./supervisor.js");
  supervise(fileURLToPath(import.meta.url));
} else {
  const { work } = await import("./worker.js");
  await work();
}
