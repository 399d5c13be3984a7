/** The OpenAPI document keeps the rules of openapi/redocly.yaml. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { inRoot } from "../setup/places.mjs";

test("redocly finds nothing: npm run lint:openapi", () => {
  const environment = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", "lint:openapi"], {
    cwd: inRoot(),
    encoding: "utf8",
    env: environment,
  });
  assert.equal(status, 0, `${stdout}\n${stderr}`.slice(-6000));
});
