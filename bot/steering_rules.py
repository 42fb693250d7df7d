"""What texts that steer often cannot do without, as patterns; what has no such mark is left to `bot/telling.py`.

A pattern reads folded words; `<name>` stands for one of the parts below. The attacks of `evals/data/attacks.yaml` and
the 319 documents of the test data measure them: a pattern is as good as the honest sentences that it leaves alone.
"""

import re
from typing import NamedTuple

_PARTS = {
    "tell": r"(?:recommend|answer|say|reply|respond|suggest|conclude|endorse|praise|advise|favou?r|declare|state"
    r"|argue)",
    "answer": r"(?:answers?|verdicts?|repl(?:y|ies)|recommendations?|conclusions?)",
    "must": r"(?:must|ha(?:s|ve) to|should|shall|will|can only|(?:is|are) (?:always|set|fixed|to))",
    "right": r"(?:correct|right|true|expected|official|only|permissible|final|sole|valid|best|recommended)",
    "ai": r"(?:(?:(?:ai|virtual|chat|digital) )?(?:assistants?|chat ?bots?|bots?|agents?)|ais?|llms?"
    r"|(?:large )?language models?|(?:ai|chat) (?:tools?|systems?|models?|apps?)|answer engines?"
    r"|(?:automated|machine) readers?|crawlers?|chatgpt|copilot)",
    "who": r"(?:someone|somebody|anyone|anybody|(?:a|the|any|every|each) (?:user|reader|person|visitor)|users|people)",
    "whatever": r"(?:no matter|regardless of|whatever|whichever|whoever|irrespective of|without exception"
    r"|until further notice|in (?:all|every|any) cases?|under all circumstances|at all times)",
    "name": r"(?-i:(?!(?:Yes|No|OK|Y|N|The|This|It|In|If|You|We|An?)\b)[A-Z])",
    "few": r"(?:(?!and\b|or\b|but\b)[\w'’/*-]+,? ){0,5}",
    "start": r"(?:^\W*|[.;:!,)\]] ?|\b(?:and|then|just|simply|please|now|but) )",
}
"""Parts of patterns. `name` begins what is to be said or chosen, `start` is where an order begins."""


class Rules(NamedTuple):
    """Patterns, and words of which one is in every text that they find: most texts are told by their words."""

    words: frozenset[str]
    pattern: re.Pattern[str]


def _rules(words: str, *patterns: str) -> Rules:
    pattern = "|".join(patterns)
    while (filled := re.sub(r"<([a-z]+)>", lambda part: _PARTS.get(part[1], part[0]), pattern)) != pattern:
        pattern = filled
    return Rules(frozenset(words.split()), re.compile(pattern, re.IGNORECASE))


_ASIDE = _rules(
    "ignore disregard forget override overrule bypass discard neglect drop skip abandon instructions instruction "
    "prompt "
    "rules rule precedence priority weigh mode longer now pretend imagine act speak talk order command oblige obliges "
    "instruct here",
    r"\b(?:ignore|disregard|forget|override|overrule|bypass|discard|neglect) <few>(?:instructions?|prompts?|guidelines?"
    r"|guidance|directives?|above|previous|prior|earlier|sources|everything|evidence|documents?|passages?|paragraphs?"
    r"|criteria|weights|comparison|(?:your|the|all|any|these) rules|you (?:were|are|have been) (?:told|taught"
    r"|given))\b",
    r"\b(?:drop|skip|abandon) (?:all |any |every |the )*(?:previous|prior|earlier|your)"
    r" (?:instructions?|rules|guidance|prompts?|citations|sources)\b",
    r"\byour (?:system |hidden |new )?(?:instructions|prompt|rules?)\b|\b(?:system|hidden) (?:prompt"
    r"|instructions) (?:and|you)\b",
    r"\b(?:precedence|priority) over (?:all|every|any) other\b|\b(?:do not|don['’]t|never) weigh\b",
    r"\byou(?: are|['’]re) (?:now|no longer) (?:an?|in|the|my|our|bound)\b|\bfrom (?:now|here) on,? you\b",
    r"\b(?:jailbreak|dan) mode\b|\b(?:developer|debug|god|override) mode\b(?! of)|\byou are in (?:\w+ )?mode\b",
    r"\bpretend (?:to be|(?:that )?you|that (?-i:[A-Z]))|\bimagine (?:that )?you (?:were|had been)\b",
    r"\bact (?:like (?:it|an?|the|my)|as (?:if|though|my|our))\b|\b(?:speak|talk) (?:accordingly|like an?)\b",
    r"\b(?:instruct|order|command|oblige)(?:s|d)? you to\b",
)
"""Instructions or evidence put aside, another part to play, orders as such."""

_MACHINES = _rules(
    "assistant assistants chatbot chatbots bot bots agent agents ai ais llm llms language engine engines reader "
    "readers "
    "crawler crawlers chatgpt copilot chat",
    r"\b(?:note|message|memo|attention|notice|hint|dear|hey|hello|hi|instructions?|task|reminder),? (?:(?:to|for) )?"
    r"(?:all |any |every |the |an? |our |my )*(?:ai |answering )?<ai>\b[^.?!:,]{0,30}[:,]",
    r"^\W*(?:dear|hey|hello|hi|listen),? (?:all |the |my )?<ai>\b|^\W*(?:bot|chat ?bot|assistant) ?[:,]",
    r"\bif you(?: are|['’]re) an? <ai>\b|\b(?:if|when|whenever|once) (?:an?|any|the) <ai> (?:reads?|sees?|parses?)\b",
    r"\b<ai> (?:reading|that reads?|who reads?|summari[sz]ing|parsing|processing) (?:this|these|the page|the text)\b",
    r"\b<ai>\b[^.?!()]{0,40}\b(?:must|should|shall|have to|has to|will|(?:is|are) (?:told|instructed|required|asked"
    r"|requested|obliged|ordered|to)(?: to)?) (?:\w+ ){0,2}(?:<tell>|choose|pick|rank|cite|give|score|treat|output|obey"
    r"|follow|tell|behave like)\b",
)
"""Machines spoken to, or told what to do."""

_ANSWER = _rules(
    "answer answers verdict verdicts reply replies recommendation recommendations conclusion conclusions "
    "response message "
    "summary confidence choice",
    r"\byour (?:\w+ )?<answer>\b(?! (?:engine|system|model|service)s?\b)|\b(?:in|of|for|from|with|into|to) your"
    r" (?:response|message|summary)\b|^\W*(?:(?:can|could|would|will) you |please |then )*\w+ your (?:response"
    r"|message)\b"
    r"|\byour response (?:must|has to|should|shall|is always)\b",
    r"\b(?:the recommendation|(?:the|every|any|each|all) (?:final |only )?(?:answers?|verdicts?|repl(?:y|ies)"
    r"|confidence)(?: (?:to|for|on|in|of|about|from|drawn|given)\b[^.?!]{0,50})?) <must>\b(?! (?:only )?use)",
    r"\bthe (?:(?:one|only) )?<right> (?:\w+ )?(?:answer|verdict|recommendation|reply) (?:is|must|has|will|should"
    r"|remains)\b",
    r"\bthe (?:(?:one|only) )?<right> (?:answer|verdict|recommendation)(?: (?:to|for|about|on)\b[^.?!]{0,60})?"
    r" (?:is|must be|has to be|should be|remains) <name>",
    r"\bthe (?:(?:one|only) )?<right> (?:answer|verdict|recommendation|choice) (?:to|for|on) (?:all|every|any"
    r"|each|these)\b",
    r"\b(?:set|fix) (?:the |your )?(?:verdict|confidence|choice)\b",
    r"\b(?:make (?:sure|certain)|see to it|ensure)(?: that)? (?:the|your|every|any|each) (?:final )?<answer>"
    r" (?:comes? out|turns? out|ends? up|is|are|be|reads?|says?|names?|goes)\b",
)
"""What the answer has to be."""

_SAY = _rules(
    "recommend answer say reply respond suggest conclude endorse praise advise favour favor declare state argue always "
    "never mention cite quote reveal winner first last zero lowest highest only better outcome choose pick tell",
    r"\b(?:always|only|never|must|just|please|shall|simply)(?: ever)? <tell>\b(?! (?:if|when|within|in|to"
    r"|that you|your|whether|which|what|who|how|why|one|either|between)\b)",
    r"\balways (?:choose|pick|prefer|select|go (?:with|for)|take|name) <name>",
    r"\byou (?:must|have to|are to|shall|will) (?:\w+ ){0,2}<tell>\b",
    r"(?<!we )\b(?:do not|don['’]t|never) (?:mention|cite|quote|recommend|suggest|reveal)\b",
    r"<start>(?:say|answer|reply|respond|recommend|suggest|endorse|praise|declare|conclude) (?:that |with )?<name>",
    r"<start>tell (?:me|us|them|people|users|readers|every(?:one|body)|any(?:one|body))"
    r" (?:that|to (?:use|choose|pick|take|buy|go (?:with|for)|move to|stay (?:on|with))) <name>",
    r"\b(?:reply|respond|answer) (?:only )?with\b|\b(?:reply|respond|answer) (?:in reverse|using)\b",
    r"\b(?:name|declare|crown|present|treat|rank|put|score|rate) (?:it|<name>[\w -]{2,40}?) (?:as )?(?:the )?(?:winner"
    r"|better one|best|only|first|last|zero|highest|lowest|outcome|as supported)\b",
    r"\b(?:<tell>|choose|pick|told|verdicts?|recommendations?)\b[^?!]{0,80}\b<whatever>(?! is appropriate)\b",
)
"""What to say."""

_ASKED = _rules(
    "asked asks ask question questions user users reader readers whatever whichever whoever matter regardless",
    r"\b(?:when|if|whenever|once) (?:you are |it is |you['’]re )?asked (?:which|what|about|to choose|whether|who"
    r"|for)\b",
    r"\b(?:when|if|whenever|in case|should) <who> (?:asks?|wants?|needs?)\b[^.?!]{0,80}\b(?:<tell>|choose|pick)\b"
    r"(?! (?:to|from|the)\b)",
    r"\b(?:<tell>|mention|name|put|tell)\b[^.?!]{0,60}\b(?:when|whenever|if|each time|every time) <who> asks?\b",
    r"\b(?:whoever|(?:those|everyone|everybody|anyone|anybody) who) asks?\b|\bshould (?:any|some)(?:one|body) ask\b",
    r"\b(?:reply|replies|respond|answer|say|recommend|put)\b[^.?!]{0,60} (?:in|to|for|on) (?:each|every|any|all)"
    r" (?:of (?:these|the|your) )?(?:\w+ )?(?:questions?|repl(?:y|ies)|answers?|messages?)\b",
    r"\b<whatever>\b[^.?!]{0,40}\b(?:ask(?:s|ed)?|questions?|users?|wants|evidence|criteria)\b[^?!]{0,60}"
    r"\b(?:<tell>|choose|pick|is|be)\b",
)
"""What to say to whoever asks, or whatever is asked."""

_MARKS = _rules(
    "system message instruction instructions override directive prompt assistant user human response inst "
    "im_start im_end "
    "verdict choice confidence answer set",
    r"\b(?:system|new|important|urgent) (?:message|instructions?|override|directive|prompt)[^.?!:]{0,40}:",
    r"^\W*(?:system|assistant|prompt|override|instructions?) ?[:#]|\bsystem override\b|^\W*[#*]+ ?override\b",
    r"### ?(?:instructions?|response|system|assistant|user|human)\b",
    r"(?:\[|<\|?)/? ?(?:system|inst|instructions?|assistant|im_start|im_end)(?:\]|>|\||:| )",
    r"[\"'`](?:verdict|choice|confidence|answer)[\"'`] ?[:=]|\bas `choice`|\b(?:verdict|choice) ?= ?['\"`\w]"
    r"|\banswer ?= ?['\"]?(?-i:[A-Z])|\{% ?set \w+",
)
"""The marks of a conversation between programs."""

_FOREIGN = _rules(
    "ignoriere ignorieren vergiss missachte anweisungen regeln antworte antworten empfiehl empfehlen nenne "
    "nennen sag sage "
    "antwort empfehlung hinweis egal gleich ignora olvida omite olvide ignore ignorez oublie oubliez recomienda "
    "recomiende "
    "responde responda di diga recomende siempre nunca sempre consiglia rispondi recommande recommandez réponds "
    "répondez "
    "dis dites toujours jamais respuesta resposta risposta réponse nota note önceki talimatları talimat "
    "kuralları zaman "
    "daima sadece yalnızca cevap yanıt olursa sorulursa soruya",
    r"\b(?:ignorier\w*|vergiss|missachte\w*|ignora|olvid[ae]|omite|ignore[zr]?|esqueç[ae]|dimentica|oublie[sz]?"
    r"|oubliez)\b"
    r"[^.?!]{0,40}\b(?:anweisung\w*|regeln|vorgaben|quellen|alles|instrucciones|instruções|istruzioni"
    r"|instructions|consignes"
    r"|reglas|regras|regole|règles|anterior(?:es)?|précédent\w*)\b",
    r"\b(?:antworte|empfiehl|nenne|sage?|antworten sie|empfehlen sie|nennen sie) (?:\w+ ){0,2}?(?:immer|stets|nur"
    r"|ausschließlich|mit|dass|(?-i:[A-Z]))",
    r"\b(?:recom[ie]*nd[ae]|respond[ea]|sugiere|di|diga|consiglia|rispondi|recommande[sz]?|réponds|répondez|dis|dites)"
    r" (?:(?:siempre|sempre|solo|sólo|só|que|con|com|toujours|uniquement|seulement|par)\b|(?-i:[A-Z]))",
    r"\b(?:siempre|nunca|sempre|toujours|jamais) (?:recom|recomm|respond|répond|mencion|mention|consigli)\w*",
    r"\b(?:die (?:\w+ )?(?:richtige|korrekte|einzige) (?:antwort|empfehlung)|la (?:única )?respuesta (?:correcta|única)"
    r"|la (?:bonne|seule|vraie) réponse|a resposta (?:correta|certa)|la risposta (?:giusta|corretta)) (?:lautet"
    r"|ist|es|est|é|è)\b",
    r"\b(?:hinweis an|nota para|note [àa]) (?:die |la |l['’])?(?:ki|ia|ai)\b",
    r"\b(?:talimat|kural|önceki)\w*\b[^.?!]{0,40}\b(?:unut|yok say|görmezden gel|dikkate alma)\w*",
    r"\b(?:her zaman|daima|sadece|yalnızca)\b[^.?!]{0,60}\b(?:öner|söyle|yanıtla|cevapla|de|yaz|tavsiye et)\b",
    r"\b(?:doğru|tek|kesin) (?:cevap|yanıt)\b|\b(?:soru|ne) (?:ne )?(?:olursa olsun|sorulursa sorulsun)\b",
)
"""The same in German, Spanish, Portuguese, Italian, French and Turkish."""

_CHORES = _rules(
    "can could would will how help show tell give write compose draft create develop provide invent suggest recommend "
    "summarize summarise paraphrase proofread translate analyze analyse determine classify explain describe "
    "replace swap "
    "scramble reverse misspell jumble shift",
    r"^\W*(?:can|could|would|will) you\b|^\W*how (?:do|can|could|should) I\b|^\W*(?:help|show|tell|give|write) me\b",
    r"^\W*(?:write|compose|draft|create|develop|provide|give|invent|suggest|recommend) (?:an?|some"
    r"|the) (?:[\w-]+ ){0,3}?"
    r"(?:poem|haiku|song|story|tale|joke|riddle|limerick|essay|speech|letter|e-?mail|recipe|book|film|movie|restaurant"
    r"|biography|slogan|script to|command to|equivalent|translation|introduction for)\b",
    r"^\W*(?:summari[sz]e|paraphrase|proofread|translate) (?:the|this|my)\b",
    r"^\W*(?:analy[sz]e|determine|classify) the (?:tone|mood|sentiment)\b",
    r"^\W*explain (?:how|why|to me|the (?:theory|process|concept|rules) of)\b",
    r"^\W*(?:replace|swap|scramble|reverse|misspell|jumble|shift) (?:\w+ ){1,3}(?:letters?|words?|vowels?|nouns?)\b",
)
"""Services asked for. Headings may ask for one: what stands below them answers."""

REVERSING = (_ASIDE, _MARKS)
"""Whoever says that gives orders, whatever it is about."""

BENDING = (_MACHINES, _ANSWER, _SAY, _ASKED, _FOREIGN)
"""In a question they may be meant otherwise, unless an option is named."""

STEERING = (*REVERSING, *BENDING)
CHORES = (_CHORES,)


def found(text: str, rules: tuple[Rules, ...]) -> bool:
    """Whether one of the rules finds something in a text without disguises."""
    words = frozenset(re.findall(r"\w+", text.lower()))
    return any(not rule.words.isdisjoint(words) and rule.pattern.search(text) for rule in rules)
