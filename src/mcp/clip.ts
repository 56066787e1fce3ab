/** Owns how answers are kept short: an agent's context is precious. What is left out is said. */

/** At most so many characters; what was cut ends in `…`. */
export const clip = (text: string, maxChars: number): string => {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, Math.max(0, maxChars - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`.toWellFormed();
};

/** As {@link clip}, on one line. */
export const clipLine = (text: string, maxChars: number): string =>
  clip(
    text
      .slice(0, 4 * maxChars)
      .replaceAll(/[\s\p{Cc}]+/gu, ' ')
      .trim(),
    maxChars,
  );

export interface Listed {
  /** The most important first. */
  readonly lines: readonly string[];
  readonly maxChars: number;
  /** What to say of lines that have no room. */
  readonly rest: (count: number) => string;
}

/** As many whole lines as there is room for, the first in any case. */
export const clipList = ({ lines, maxChars, rest }: Listed): string => {
  const whole = lines.join('\n');
  if (whole.length <= maxChars) return whole;
  const room = maxChars - rest(lines.length).length - 1;
  let shown = 0;
  let chars = 0;
  for (const line of lines) {
    chars += line.length + 1;
    if (shown > 0 && chars > room) break;
    shown += 1;
  }
  return shown === lines.length ? whole : [...lines.slice(0, shown), rest(lines.length - shown)].join('\n');
};
