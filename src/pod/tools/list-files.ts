/** Owns the tool `list_files`: the files that a glob matches, sorted, up to a limit. */
import { resolve } from 'node:path';
import { type ListFilesInput, TOOL_INPUT_SCHEMAS } from '../../config/job/tool-inputs.ts';
import { findFiles } from './find-files.ts';
import { interrupted, oneLine, type Tool, type ToolContext, type ToolResult } from './tool.ts';

const run = async (input: ListFilesInput, context: ToolContext): Promise<ToolResult> => {
  const cwd = resolve(context.cwd, input.cwd ?? '.');
  const found = await findFiles({ cwd, globs: input.glob, ignore: input.ignore, dot: input.dot }, context.signal);
  if (context.signal.aborted) return interrupted();
  if (found.kind === 'refused') return { ok: false, error: found.error };
  const { limit } = input;
  const files = found.paths.slice(0, limit);
  const response = { cwd, files, count: found.paths.length, truncated: found.paths.length > limit };
  return { ok: true, response, output: files };
};

export const listFilesTool: Tool<ListFilesInput> = {
  name: 'list_files',
  inputSchema: TOOL_INPUT_SCHEMAS.list_files,
  describe: (input) => oneLine(input.glob.join(' ')),
  run,
};
