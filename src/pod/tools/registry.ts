/** Owns the built-in tools by name; each is loaded when it is first called (start-up time). */
import type { ToolInput, ToolName } from '../../config/job/tool-inputs.ts';
import type { Tool } from './tool.ts';

const LOADERS: { readonly [T in ToolName]: () => Promise<Tool<ToolInput<T>>> } = {
  shell: async () => (await import('./shell.ts')).shellTool,
  read_file: async () => (await import('./read-file.ts')).readFileTool,
  write_file: async () => (await import('./write-file.ts')).writeFileTool,
  list_files: async () => (await import('./list-files.ts')).listFilesTool,
  search: async () => (await import('./search.ts')).searchTool,
  http: async () => (await import('./http.ts')).httpTool,
};

/** What it is given must be parsed with its own schema first. */
export const loadTool = (name: ToolName): Promise<Tool<unknown>> => LOADERS[name]();
