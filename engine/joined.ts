/** Objects joined into one, the later members over the earlier; a literal that spreads several takes V8 ten times as long. */
export function joined<T extends object>(...parts: readonly (Partial<T> | false | undefined)[]): T {
  return Object.assign({}, ...parts);
}
