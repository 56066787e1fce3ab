/** Owns what the tools of all agents, and of nika, do to files and shells, by their names. Pure. */

/** `patch`: its input names files in the text of a patch. `other`: nothing that its input would tell memory. */
export type ToolKind = 'write' | 'patch' | 'read' | 'shell' | 'other';

/** In lower case and without `_`, `-`, `.`: Claude Code, Codex, opencode, Gemini, jobs of steps, and MCP servers of files. */
const NAMES: Readonly<Record<Exclude<ToolKind, 'other'>, readonly string[]>> = {
  write: [
    'write',
    'edit',
    'multiedit',
    'notebookedit',
    'writefile',
    'editfile',
    'createfile',
    'replace',
    'strreplaceeditor',
  ],
  patch: ['applypatch', 'patch'],
  read: ['read', 'readfile', 'notebookread', 'readmanyfiles', 'viewimage', 'view'],
  shell: [
    'bash',
    'shell',
    'command',
    'shellcommand',
    'execcommand',
    'localshell',
    'containerexec',
    'runshellcommand',
    'usershell',
    'runterminalcmd',
  ],
};

const KINDS = new Map<string, ToolKind>(
  (Object.keys(NAMES) as (keyof typeof NAMES)[]).flatMap((kind) => NAMES[kind].map((name) => [name, kind] as const)),
);

/** Of a tool of an MCP server, `mcp__files__write_file`, its own name counts. */
export const toolKindOf = (tool: string): ToolKind =>
  KINDS.get(
    tool
      .slice(tool.lastIndexOf('__') + 1)
      .replace(/[_.-]/g, '')
      .toLowerCase(),
  ) ?? 'other';
