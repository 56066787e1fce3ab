/** Owns the reading of standard input as the body of a signal: to its end, kept up to what a body may have. */
const MAX_BYTES = 64 * 1024;

export const readStdinText = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    if (bytes < MAX_BYTES) chunks.push(chunk); // more than is allowed is told, not cut
    bytes += chunk.length;
  }
  return Buffer.concat(chunks).toString();
};
