/**
 * Owns the tool `write_file`. Whoever reads the file sees the old contents or the new, never half of them: they are
 * written beside it and renamed over it. (Not so with `append`, which is one write at the end.)
 */
import { constants } from 'node:fs';
import { mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type WriteFileInput, TOOL_INPUT_SCHEMAS } from '../../config/job/tool-inputs.ts';
import { errnoOf } from '../../model/error.ts';
import { randomBase32 } from '../../model/id.ts';
import { fileError, openRegular } from './regular-file.ts';
import { interrupted, oneLine, type Tool, type ToolContext, type ToolResult } from './tool.ts';

const PERMISSIONS = 0o7777;

interface Target {
  /** What a symbolic link leads to: the link itself stays. */
  readonly path: string;
  /** Permissions of the file that is there. */
  readonly mode: number | undefined;
  readonly refused: string | undefined;
}

const lookAt = async (path: string): Promise<Target> => {
  try {
    const real = await realpath(path);
    const found = await stat(real);
    const refused = found.isFile()
      ? undefined
      : `${path} is ${found.isDirectory() ? 'a folder' : 'not a regular file'}`;
    return { path: real, mode: found.mode & PERMISSIONS, refused };
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown;
    return { path, mode: undefined, refused: undefined };
  }
};

const replace = async (target: Target, content: string, mode: number | undefined): Promise<void> => {
  const beside = join(dirname(target.path), `.nika-${randomBase32(12)}.tmp`);
  const handle = await open(beside, 'wx', 0o666); // less the umask, as any new file
  try {
    try {
      await handle.writeFile(content);
      const wanted = mode ?? target.mode;
      if (wanted !== undefined) await handle.chmod(wanted);
    } finally {
      await handle.close();
    }
    await rename(beside, target.path);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw thrown;
  }
};

/** @returns why not, if not. */
const append = async (path: string, content: string, mode: number | undefined): Promise<string | undefined> => {
  const opened = await openRegular(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o666);
  if (opened.kind === 'refused') return opened.error;
  try {
    await opened.handle.writeFile(content);
    if (mode !== undefined) await opened.handle.chmod(mode);
    return undefined;
  } finally {
    await opened.handle.close();
  }
};

const run = async (input: WriteFileInput, context: ToolContext): Promise<ToolResult> => {
  if (context.signal.aborted) return interrupted();
  const path = resolve(context.cwd, input.path);
  try {
    if (input.create_dirs) await mkdir(dirname(path), { recursive: true });
    const target = await lookAt(path);
    if (target.refused !== undefined) return { ok: false, error: target.refused };
    if (input.append) {
      const error = await append(path, input.content, input.mode);
      if (error !== undefined) return { ok: false, error };
    } else {
      await replace(target, input.content, input.mode);
    }
    const bytes = Buffer.byteLength(input.content);
    return { ok: true, response: { path, bytes, created: target.mode === undefined }, output: path };
  } catch (thrown) {
    return { ok: false, error: fileError(path, thrown) };
  }
};

export const writeFileTool: Tool<WriteFileInput> = {
  name: 'write_file',
  inputSchema: TOOL_INPUT_SCHEMAS.write_file,
  describe: (input) => oneLine(input.path),
  run,
};
