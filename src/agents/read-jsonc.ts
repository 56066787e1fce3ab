/** Owns the reading of JSON as agents' settings have it: with comments, and with commas that nothing follows. */

const STRING_OR_COMMENT = /"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const STRING_OR_COMMA = /"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g;

const keepStrings = (found: string): string => (found.startsWith('"') ? found : '');

/** `undefined`: it is none. */
export const readJsonc = (text: string): unknown => {
  try {
    return JSON.parse(text.replaceAll(STRING_OR_COMMENT, keepStrings).replaceAll(STRING_OR_COMMA, keepStrings));
  } catch {
    return undefined;
  }
};
