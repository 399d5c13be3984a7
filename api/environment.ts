/** Checks the text of every setting, and that no LAKEGATE_ name is misspelt. */
import { closest } from "fastest-levenshtein";
import { ConfigError } from "./config-error.js";
import { logLevels, type Setting, type SettingName, settings, setupNames } from "./settings.js";

export type Environment = Readonly<Record<SettingName, string>>;

const rules: Readonly<Record<Setting["kind"], { pattern: RegExp; meaning: string }>> = {
  text: { pattern: /^\S+$/, meaning: "a text without spaces" },
  optional: { pattern: /^\S*$/, meaning: "a text without spaces" },
  folder: { pattern: /\S/, meaning: "the path of a folder" },
  list: { pattern: /^/, meaning: "a list separated by commas" },
  port: { pattern: /^\d{1,5}$/, meaning: "a port number from 0 to 65535" },
  count: { pattern: /^[1-9]\d{0,11}$/, meaning: "a whole number from 1 to 999999999999" },
  milliseconds: { pattern: /^[1-9]\d{0,8}$/, meaning: "milliseconds, from 1 to 999999999" },
  bytes: { pattern: /^[1-9]\d{0,14}(KiB|MiB|GiB)?$/, meaning: "a number of bytes, or one like 512MiB" },
  room: { pattern: /^(0|[1-9]\d{0,14}(KiB|MiB|GiB)?)$/, meaning: "a number of bytes, one like 512MiB, or 0" },
  level: { pattern: new RegExp(`^(${logLevels.join("|")})$`), meaning: `one of ${logLevels.join(", ")}` },
};

export function readEnvironment(variables: NodeJS.ProcessEnv): Environment {
  refuseUnknown(variables);
  return Object.fromEntries(settings.map((setting) => [setting.name, read(setting, variables)])) as Environment;
}

function read(setting: Setting, variables: NodeJS.ProcessEnv): string {
  const text = variables[setting.name] || setting.default;
  const { pattern, meaning } = rules[setting.kind];
  if (pattern.test(text)) return text;
  throw new ConfigError(`${setting.name} must be ${meaning}, not "${text}".`);
}

function refuseUnknown(variables: NodeJS.ProcessEnv): void {
  const names = settings.map(({ name }) => name as string);
  const known = [...names, ...setupNames];
  const unknown = Object.keys(variables).find((name) => name.startsWith("LAKEGATE_") && !known.includes(name));
  if (unknown === undefined) return;
  throw new ConfigError(`${unknown} is not a setting; did you mean ${closest(unknown, names)}?`);
}
