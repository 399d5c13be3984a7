/** Settings over settings: groups are filled in setting by setting, and everything else is replaced. */
type Settings = Readonly<Record<string, unknown>>;

export function mergedSettings<T extends object>(base: T, own: T): T {
  const filled = Object.entries(own).map(([name, value]) => {
    const below = (base as Settings)[name];
    return [name, isGroup(below) && isGroup(value) ? mergedSettings(below, value) : value];
  });
  return { ...base, ...Object.fromEntries(filled) };
}

function isGroup(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
