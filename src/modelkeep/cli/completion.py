"""``modelkeep completion``: what a shell needs so that it completes this command."""

from __future__ import annotations

from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import say

_BASH = """\
_modelkeep() {
    local IFS=$'\\n'
    COMPREPLY=($(_MODELKEEP_COMPLETE=bash _MODELKEEP_LINE="${COMP_LINE:0:COMP_POINT}" _MODELKEEP_WORD="$2" \\
        "$1" 2>/dev/null))
}
complete -o bashdefault -o default -F _modelkeep modelkeep
"""
_ZSH = """\
#compdef modelkeep
_modelkeep() {
    local given=${(pj:\\x1f:)words[2,CURRENT]} output
    output=$(_MODELKEEP_COMPLETE=zsh _MODELKEEP_WORDS=$given ${words[1]} 2>/dev/null)
    if [[ -z $output ]]; then
        _files
    else
        local -a found=("${(@f)output}")
        _describe modelkeep found
    fi
}
if [[ $funcstack[1] == _modelkeep ]]; then
    _modelkeep "$@"
else
    compdef _modelkeep modelkeep
fi
"""
_FISH = """\
function __modelkeep_complete
    set -lx _MODELKEEP_COMPLETE fish
    set -lx _MODELKEEP_WORDS (string join \\x1f -- (commandline -opc)[2..-1] (commandline -ct))
    set -l found (modelkeep 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c modelkeep -f -a '(__modelkeep_complete)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@options.example(
    'eval "$(modelkeep completion bash)"',
    "modelkeep completion zsh > ~/.zfunc/_modelkeep",
    "modelkeep completion fish > ~/.config/fish/completions/modelkeep.fish",
)
def completion(
    shell: Annotated[str, typer.Argument(help="bash, zsh or fish.", metavar="SHELL", show_default=False)],
) -> None:
    """Print what makes a shell complete this command.

    It completes commands, options and, with a saved log-in, the names of repos, artifacts, versions and stages.
    """
    if shell not in SCRIPTS:
        raise typer.BadParameter(f"There is nothing for {shell[:40]!r}; name one of bash, zsh and fish.")
    say(SCRIPTS[shell].rstrip("\n"))
