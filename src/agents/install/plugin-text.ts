/** Owns the plugin of opencode that is installed: it hands what it is told to the hook in shell, and waits for nothing. */

/** Of this text alone is the file; `script`: the hook in shell. */
export const pluginText = (
  script: string,
): string => `// Tells nika of tool calls. Written by "nika hooks install opencode"; "nika hooks uninstall opencode" removes it.
import { spawn } from "node:child_process"

const script = ${JSON.stringify(script)}
// One after the other, so that they come in order; what nika does not take in time is dropped.
const waiting = []
let running = false
const next = () => {
  const payload = waiting.shift()
  if (payload === undefined) return (running = false)
  running = true
  try {
    const child = spawn(script, ["opencode"], { stdio: ["pipe", "ignore", "ignore"] })
    let isOver = false
    const over = () => {
      if (!isOver) next() // a program that cannot be started says so twice
      isOver = true
    }
    child.on("error", over)
    child.on("close", over)
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(payload))
  } catch {
    running = false
  }
}
const tell = (event, payload) => {
  if (process.env.NIKA_HOOKED_AGENT === "opencode" || waiting.length > 1000) return
  waiting.push({ hook_event_name: event, ...payload })
  if (!running) next()
}

// What throws here would turn a call of the agent into a failure.
const quietly = (act) => async (...given) => {
  try {
    act(...given)
  } catch {}
}

export const Nika = async ({ directory }) => ({
  "tool.execute.before": quietly((input, output) =>
    tell("PreToolUse", { session_id: input.sessionID, cwd: directory, tool_name: input.tool, tool_use_id: input.callID, tool_input: output?.args }),
  ),
  "tool.execute.after": quietly((input, output) => {
    const call = { session_id: input.sessionID, cwd: directory, tool_name: input.tool, tool_use_id: input.callID, tool_input: input.args }
    const code = output?.metadata?.exit
    if (typeof code === "number" && code !== 0) tell("PostToolUseFailure", { ...call, error: \`Exit code \${code}\\n\${output.output ?? ""}\` })
    else tell("PostToolUse", { ...call, tool_response: output?.output ?? output?.content })
  }),
  event: quietly(({ event }) => {
    const { sessionID, part, info } = event.properties ?? {}
    if (event.type === "message.part.updated" && part?.type === "tool" && part.state?.status === "error") {
      tell("PostToolUseFailure", { session_id: part.sessionID, cwd: directory, tool_name: part.tool, tool_use_id: part.callID, tool_input: part.state.input, error: part.state.error })
    } else if (event.type === "session.idle") tell("Stop", { session_id: sessionID, cwd: directory })
    else if (event.type === "session.deleted") tell("SessionEnd", { session_id: info?.id ?? sessionID, cwd: directory })
  }),
})
`;
