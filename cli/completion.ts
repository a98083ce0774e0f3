import { defineCommand, type Options } from "./command";
import { COMMANDS } from "./commands";

/** What follows a command's name, as a shell needs it. */
interface Entry {
  name: string;
  summary: string;
  actions: readonly string[];
  options: Options;
}

const SHELLS: Record<string, (entries: Entry[]) => string> = { bash, zsh, fish };

export default defineCommand({
  usage: "pulumi-borgbase completion SHELL",
  about: `Prints the script with which a shell completes the commands and options of pulumi-borgbase. The shell has to find
pulumi-borgbase on its PATH, or is given its path, as node_modules/.bin/pulumi-borgbase.`,
  actions: Object.keys(SHELLS),
  options: {},
  notes: `bash:  write it to ~/.local/share/bash-completion/completions/pulumi-borgbase
zsh:   write it to _pulumi-borgbase in a folder of $fpath
fish:  write it to ~/.config/fish/completions/pulumi-borgbase.fish`,
  example: "source <(pulumi-borgbase completion bash)",
  run: async (_options, shell) => {
    const entries = Object.entries(COMMANDS).map(([name, { summary, load }]) => {
      const { actions, options } = load().default;
      return { name, summary, actions, options };
    });
    process.stdout.write(SHELLS[shell]?.(entries) ?? "");
    return 0;
  },
});

const GLOBAL = "--help --version";

function flagsOf(options: Options): string[] {
  return Object.keys(options).map((name) => `--${name}`);
}

function bash(entries: Entry[]): string {
  // Bash then quotes blanks and ends folders with a slash.
  const asFiles = "compopt -o filenames 2>/dev/null";
  const values = entries.flatMap(({ name, options }) =>
    Object.entries(options).flatMap(([option, { type, value, values }]) => {
      const pattern = `"${name} --${option}")`;
      if (values) return `    ${pattern} COMPREPLY=($(compgen -W "${values.join(" ")}" -- "$word")); return ;;`;
      const files = { FILE: "-f", FOLDER: "-d" }[value ?? ""];
      if (files)
        return `    ${pattern} local IFS=$'\\n'; ${asFiles}; COMPREPLY=($(compgen ${files} -- "$word")); return ;;`;
      return type === "string" ? `    ${pattern} return ;;` : [];
    }),
  );
  const words = entries.map(
    ({ name, actions, options }) => `    ${name}) words="${[...actions, ...flagsOf(options)].join(" ")}" ;;`,
  );
  return `# bash completion of pulumi-borgbase
_pulumi_borgbase() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${entries.map(({ name }) => name).join(" ")} ${GLOBAL}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${values.join("\n")}
  esac
  case "\${COMP_WORDS[1]}" in
${words.join("\n")}
    *) return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _pulumi_borgbase pulumi-borgbase
`;
}

/** A text as one word of bash or zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function zsh(entries: Entry[]): string {
  const commands = entries.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = entries.map(({ name, actions, options }) => {
    const specs = Object.entries(options).map(([option, { multiple, value, values, help }]) => {
      const argument = value === undefined ? "" : `:${value}:${zshAction(value, values)}`;
      const text = help.split("\n")[0]?.replace(/[[\]:\\]/g, "\\$&");
      return quoted(`${multiple ? "*" : ""}--${option}[${text}]${argument}`);
    });
    const first = actions.length > 0 ? [quoted(`1:action:(${actions.join(" ")})`)] : [];
    return `    ${name}) _arguments ${[...first, ...specs].join(" \\\n      ")} ;;`;
  });
  return `#compdef pulumi-borgbase
_pulumi_borgbase() {
  local -a commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments '--help[Show the help]' '--version[Show the version]'
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_pulumi-borgbase" ]; then _pulumi_borgbase "$@"; else compdef _pulumi_borgbase pulumi-borgbase; fi
`;
}

function zshAction(value: string, values: readonly string[] | undefined): string {
  if (values) return `(${values.join(" ")})`;
  if (value === "FILE") return "_files";
  return value === "FOLDER" ? "_files -/" : "";
}

function fish(entries: Entry[]): string {
  const line = (parts: string[]) => `complete -c pulumi-borgbase ${parts.join(" ")}`;
  const none = "-n __fish_use_subcommand";
  const commands = entries.map(({ name, summary }) => line([none, "-f", "-a", name, "-d", fishQuoted(summary)]));
  const rest = entries.flatMap(({ name, actions, options }) => {
    const seen = `-n '__fish_seen_subcommand_from ${name}'`;
    const words = actions.length > 0 ? [line([seen, "-f", "-a", fishQuoted(actions.join(" "))])] : [];
    const flags = Object.entries(options).map(([option, { short, value, values, help }]) =>
      line([
        seen,
        ...(short === undefined ? [] : ["-s", short]),
        "-l",
        option,
        ...fishArgument(value, values),
        "-d",
        fishQuoted(help.split("\n")[0] ?? ""),
      ]),
    );
    return [...words, ...flags];
  });
  return `# fish completion of pulumi-borgbase
complete -c pulumi-borgbase -f
${commands.join("\n")}
${line([none, "-l", "help", "-d", "'Show the help'"])}
${line([none, "-l", "version", "-d", "'Show the version'"])}
${rest.join("\n")}
`;
}

function fishArgument(value: string | undefined, values: readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  if (values) return ["-x", "-a", fishQuoted(values.join(" "))];
  if (value === "FILE") return ["-r", "-F"];
  return value === "FOLDER" ? ["-x", "-a", "'(__fish_complete_directories)'"] : ["-x"];
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
