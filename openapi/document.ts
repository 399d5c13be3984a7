/** The OpenAPI document as the app makes it; no engine runs for it. */
import { buildApp } from "../api/app.js";

export const documentPath = new URL("openapi.json", import.meta.url);

type Engine = Parameters<typeof buildApp>[0]["engine"];

export async function openapiDocument(): Promise<string> {
  const config = {
    logLevel: "silent",
    bodyLimit: 1024,
    bodyValues: 1024,
    rowsLimit: 1024,
    hotBytes: 0,
    queryTimeoutMs: 1000,
    origins: [],
  };
  const app = await buildApp({ config, engine: {} as Engine });
  await app.ready();
  const document = app.swagger();
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}
