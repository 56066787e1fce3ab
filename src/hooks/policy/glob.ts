/** Owns the glob of rules and hooks: `*` stands for any text, also `/` and newlines; `\*` is a star. Linear in the text. Pure. */

export type Matcher = (text: string) => boolean;

/** The texts between the stars. */
const literalsOf = (pattern: string): readonly string[] => {
  const literals = [''];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? '';
    const next = pattern[at + 1];
    const isEscape = char === '\\' && (next === '*' || next === '\\');
    if (char === '*') literals.push('');
    else literals[literals.length - 1] += isEscape ? next : char;
    if (isEscape) at += 1;
  }
  return literals;
};

/** Leftmost first is right where `*` is the only wildcard; a regular expression would backtrack instead. */
export const compileGlob = (pattern: string): Matcher => {
  const [first = '', ...rest] = literalsOf(pattern);
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const literal of rest) {
      const found = text.indexOf(literal, at);
      if (found === -1 || found + literal.length > end) return false;
      at = found + literal.length;
    }
    return true;
  };
};

/** `shell`, `mcp__*`, `Write|Edit` */
export const compileTools = (tools: string): Matcher => {
  const matchers = tools.split('|').map(compileGlob);
  return (tool) => matchers.some((matches) => matches(tool));
};
