/** What the supervisor and its worker say to each other. */

/** From the supervisor: take no more, and end when what runs has ended. */
export const close = "close";
/** From the worker, every second: its event loop turns. */
export const alive = "alive";

/** Signals that end the service. A terminal sends them to both processes; the supervisor alone heeds them. */
export const stopSignals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;
