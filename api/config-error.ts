/** A setting that cannot be used, in one line that says what to change. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
