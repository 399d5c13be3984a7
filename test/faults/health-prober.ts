/** Asks for `/health/live` again and again from a process of its own, whose turns no suite takes; prints the milliseconds when its input ends. */
import { setTimeout as pause } from "node:timers/promises";

const [url] = process.argv.slice(2);
const times: number[] = [];
let isDone = false;
process.stdin.resume().on("end", () => {
  isDone = true;
});
while (!isDone) {
  const started = performance.now();
  await (await fetch(`${url}/health/live`)).arrayBuffer();
  times.push(performance.now() - started);
  await pause(20);
}
console.log(JSON.stringify(times));
