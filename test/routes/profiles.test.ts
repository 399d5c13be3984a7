/** /v1/profiles: settings under a name, from which sessions and other profiles are made. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { ProfileInfo, ProfileList, SessionDescription, SessionProfile } from "../../schemas/generated/index.js";
import { assertProblem } from "../fixture/problem.js";
import { startServer, type TestServer, temporaryFolder } from "../fixture/server.js";

const presets = ["default", "high-throughput", "low-memory", "strict"];

describe("profiles", () => {
  let server: TestServer;
  const state = temporaryFolder();

  before(async () => {
    server = await startServer({ state });
  });
  after(async () => {
    await server.stop();
    rmSync(state, { recursive: true });
  });

  const put = (name: string, profile: SessionProfile, headers = {}) =>
    server.client.sendJson(`/v1/profiles/${name}`, profile, { method: "PUT", headers });
  const kept = async (name: string, profile: SessionProfile) => {
    const answer = await put(name, profile);
    assert.ok(answer.status === 201 || answer.status === 200, answer.text);
    return answer;
  };
  const shown = async (name: string) => {
    const answer = await server.client.send(`/v1/profiles/${name}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.as<ProfileInfo>();
  };
  const remove = (name: string, headers = {}) =>
    server.client.send(`/v1/profiles/${name}`, { method: "DELETE", headers });
  const session = async (profile: SessionProfile | string) => {
    const answer = await server.client.sendJson("/v1/sessions", { profile });
    assert.equal(answer.status, 201, answer.text);
    return answer.as<SessionDescription>();
  };

  it("come with presets that make sessions and can't be changed", async () => {
    const { items } = (await server.client.send("/v1/profiles")).as<ProfileList>();
    assert.deepEqual(
      items.map(({ name }) => name),
      presets,
    );
    for (const name of presets) {
      const info = await shown(name);
      assert.ok(info.preset);
      const made = await session(name);
      assert.deepEqual(made.profile, info.effective);
      assert.equal(made.profile_fingerprint, info.fingerprint);
      assertProblem(await put(name, {}), { status: 409, code: "name_taken" });
      assertProblem(await remove(name), { status: 409, code: "name_taken" });
    }
    assert.equal(new Set(items.map(({ fingerprint }) => fingerprint)).size, presets.length);
  });

  it("are registered, shown, changed under conditions and removed", async () => {
    const made = await put("reports", { defaults: { row_limit: 7 } }, { "if-none-match": "*" });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get("location"), "/v1/profiles/reports");
    assertProblem(await put("reports", {}, { "if-none-match": "*" }), { status: 412, code: "precondition_failed" });
    const etag = made.headers.get("etag") ?? "";
    const known = await server.client.send("/v1/profiles/reports", { headers: { "if-none-match": etag } });
    assert.equal(known.status, 304);
    assert.equal((await session("reports")).profile.defaults?.row_limit, 7);
    const changed = await put("reports", { defaults: { row_limit: 8 } }, { "if-match": etag });
    assert.equal(changed.status, 200, changed.text);
    assert.notEqual(changed.as<ProfileInfo>().fingerprint, made.as<ProfileInfo>().fingerprint);
    assertProblem(await remove("reports", { "if-match": etag }), { status: 412, code: "precondition_failed" });
    assert.equal((await remove("reports")).status, 204);
    for (const answer of [await remove("reports"), await server.client.send("/v1/profiles/reports")]) {
      assertProblem(answer, { status: 404, code: "profile_not_found" });
    }
    const gone = await server.client.sendJson("/v1/sessions", { profile: "reports" });
    assertProblem(gone, { status: 404, code: "profile_not_found" });
  });

  it("fill in what those based on them leave open", async () => {
    await kept("small", { base: "low-memory", execution: { batch_size: 100 }, features: { join_reordering: false } });
    await kept("smaller", { base: "small", execution: { time_zone: "Asia/Tokyo" } });
    const { effective, profile } = await shown("smaller");
    assert.deepEqual([profile.base, profile.execution?.time_zone, profile.memory], ["small", "Asia/Tokyo", {}]);
    const { target_partitions, batch_size, time_zone } = effective.execution ?? {};
    assert.deepEqual([target_partitions, batch_size, time_zone], [1, 100, "Asia/Tokyo"]);
    assert.deepEqual([effective.memory?.pool, effective.features?.join_reordering], ["fair", false]);
    const own = await session({ base: "smaller", execution: { batch_size: 10 } });
    assert.deepEqual([own.profile.execution?.batch_size, own.profile.execution?.time_zone], [10, "Asia/Tokyo"]);
  });

  it("change with what they are based on, and sessions stay", async () => {
    await kept("lower", { defaults: { row_limit: 1 } });
    const upper = await kept("upper", { base: "lower" });
    const open = await session("upper");
    await kept("lower", { defaults: { row_limit: 2 } });
    const now = await server.client.send("/v1/profiles/upper");
    assert.notEqual(now.headers.get("etag"), upper.headers.get("etag"));
    assert.equal(now.as<ProfileInfo>().effective.defaults?.row_limit, 2);
    const still = (await server.client.send(`/v1/sessions/${open.session_id}`)).as<SessionDescription>();
    assert.equal(still.profile.defaults?.row_limit, 1);
  });

  it("aren't based on themselves, on nothing, or taken from below others", async () => {
    await kept("first", {});
    await kept("second", { base: "first" });
    const circle = assertProblem(await put("first", { base: "second" }), { status: 422, code: "cyclic_dependency" });
    assert.deepEqual(circle.details?.path, ["first", "second", "first"]);
    assertProblem(await put("third", { base: "nothing" }), { status: 404, code: "profile_not_found" });
    const used = assertProblem(await remove("first"), { status: 409, code: "entry_in_use" });
    assert.deepEqual(used.details?.used_by, ["second"]);
  });

  it("are tried before they are kept", async () => {
    const wrong: [object, RegExp][] = [
      [{ execution: { time_zone: "Mars/Olympus" } }, /no time zone/],
      [{ memory: { limit_bytes: 2 ** 50 } }, /at most/],
      [{ features: { dynamic_filter: true } }, /Did you mean 'dynamic_filters'/],
    ];
    for (const [profile, detail] of wrong) {
      assertProblem(await put("wrong", profile), { status: 400, code: "invalid_request", detail });
    }
    const slip = assertProblem(await put("wrong", { executions: {} } as SessionProfile), {
      status: 400,
      code: "invalid_request",
    });
    assert.match(slip.errors?.[0]?.message ?? "", /did you mean execution\?/i);
    assertProblem(await server.client.send("/v1/profiles/wrong"), { status: 404, code: "profile_not_found" });
  });

  it("survive a restart", async () => {
    await kept("lasting", { base: "strict", defaults: { row_limit: 3 } });
    const before = await shown("lasting");
    await server.stop();
    server = await startServer({ state });
    assert.deepEqual(await shown("lasting"), before);
  });
});
