package cli

import "fmt"

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says how to use it.
func (completionCommand) Help() string {
	return `For one session, or in the file that your shell reads at its start:

  bash:  source <(watchdog completion bash)
  zsh:   source <(watchdog completion zsh)     # after compinit
  fish:  watchdog completion fish | source`
}

// Run prints a script for a shell. It asks the program itself what can be completed, so it never
// grows old, and knows the names in your config.
func (c *completionCommand) Run(s *session) error {
	_, err := fmt.Fprint(s.Stdout, map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell])
	return err
}

// bash takes = for the end of a word: --output=js comes as three, of which the last is completed.
const bashCompletion = `# bash completion for watchdog
_watchdog() {
	local IFS=$'\n' line word words=()
	for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		[[ $word == '=' ]] || words+=("$word")
	done
	[[ ${COMP_WORDS[COMP_CWORD]} == '=' ]] && words+=('')
	COMPREPLY=()
	while IFS= read -r line; do
		if [[ $line == ` + filesWanted + ` ]]; then
			compopt -o filenames 2>/dev/null
			COMPREPLY+=($(compgen -f -- "${words[-1]}"))
		else
			COMPREPLY+=("${line%%$'\t'*}")
		fi
	done < <(command "${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
}
complete -F _watchdog watchdog
`

const zshCompletion = `#compdef watchdog
_watchdog() {
	local line
	local -a found
	while IFS= read -r line; do
		if [[ $line == ` + filesWanted + ` ]]; then
			_files
		else
			line=${line//:/\\:}
			found+=("${line/$'\t'/:}")
		fi
	done < <(command $words[1] complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
	if (( $#found )); then
		_describe -t watchdog watchdog found
	fi
}
if [[ $funcstack[1] == _watchdog ]]; then
	_watchdog "$@"
else
	compdef _watchdog watchdog
fi
`

const fishCompletion = `# fish completion for watchdog
function __watchdog_complete
	set -l words (commandline -opc)
	set -l last (commandline -ct)
	for line in (command $words[1] complete -- $words[2..-1] "$last" 2>/dev/null)
		if test "$line" = ` + filesWanted + `
			__fish_complete_path "$last"
		else
			echo $line
		end
	end
end
complete -c watchdog -f -a '(__watchdog_complete)'
`
