/** Times as RFC 3339 writes them, with a time zone; Rust has the same rule. */
const shape = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
const minutesOfDay = 24 * 60;

export function isDateTime(text: string): boolean {
  const parts = shape.exec(text);
  if (parts === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const [sign, hours = 0, minutes = 0] = [parts[7], Number(parts[8] ?? 0), Number(parts[9] ?? 0)];
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return false;
  if (hour > 23 || minute > 59 || hours > 23 || minutes > 59) return false;
  const offset = (hours * 60 + minutes) * (sign === "-" ? -1 : 1);
  return second <= 59 || (second === 60 && isLastMinute(hour * 60 + minute - offset));
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Where a leap second can be. */
function isLastMinute(minute: number): boolean {
  return (minute + 2 * minutesOfDay) % minutesOfDay === minutesOfDay - 1;
}
