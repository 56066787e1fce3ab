/** Owns the tool `read_file`: the contents of one regular file, up to a cap. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { type ReadFileInput, TOOL_INPUT_SCHEMAS } from '../../config/job/tool-inputs.ts';
import { fileError, openRegular } from './regular-file.ts';
import { interrupted, oneLine, type Tool, type ToolContext, type ToolResult } from './tool.ts';

const CHUNK_BYTES = 256 * 1024;

/** At most `maxBytes + 1` bytes: the one more tells that there is more. The size is not trusted: /proc says 0. */
const readUpTo = async (handle: FileHandle, maxBytes: number, signal: AbortSignal): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total <= maxBytes && !signal.aborted) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, maxBytes + 1 - total));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    total += bytesRead;
  }
  return Buffer.concat(chunks);
};

/** As text; where it was cut, without the character that the cut went through. */
const toText = (bytes: Buffer, isCut: boolean): string => {
  if (!isCut) return bytes.toString('utf8');
  return new StringDecoder('utf8').write(bytes);
};

const run = async (input: ReadFileInput, context: ToolContext): Promise<ToolResult> => {
  if (context.signal.aborted) return interrupted();
  const path = resolve(context.cwd, input.path);
  const opened = await openRegular(path, constants.O_RDONLY);
  if (opened.kind === 'refused') return { ok: false, error: opened.error };
  const { max_bytes: maxBytes } = input;
  try {
    const read = await readUpTo(opened.handle, maxBytes, context.signal);
    if (context.signal.aborted) return interrupted();
    const truncated = read.length > maxBytes;
    const bytes = truncated ? read.subarray(0, maxBytes) : read;
    const size = (await opened.handle.stat()).size;
    const content = input.encoding === 'base64' ? bytes.toString('base64') : toText(bytes, truncated);
    const response = { path, content, bytes: Math.max(size, read.length), truncated };
    return { ok: true, response, output: content };
  } catch (thrown) {
    return { ok: false, error: fileError(path, thrown) };
  } finally {
    await opened.handle.close();
  }
};

export const readFileTool: Tool<ReadFileInput> = {
  name: 'read_file',
  inputSchema: TOOL_INPUT_SCHEMAS.read_file,
  describe: (input) => oneLine(input.path),
  run,
};
