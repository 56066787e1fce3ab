/** Owns how much of what is told has room, counted as it stands on a line: JSON in UTF-8. Pure. */

const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text));

/** The beginning of a text that has room. */
export const fitText = (text: string, maxBytes: number): string => {
  let cut = text;
  for (let bytes = jsonBytes(cut); bytes > maxBytes; bytes = jsonBytes(cut)) {
    const share = Math.min(0.95, maxBytes / bytes);
    cut = cut.slice(0, Math.floor(cut.length * share)).toWellFormed();
  }
  return cut;
};

/** The first of them, as many as have room together. */
export const fitTexts = (texts: readonly string[], maxBytes: number): string[] => {
  let bytes = 0;
  const end = texts.findIndex((text) => (bytes += jsonBytes(text) + 1) > maxBytes);
  return texts.slice(0, end < 0 ? texts.length : end);
};
