"""Small closed lists of the language: what is a filler, a number, a mark, another spelling. Used by the tokenizer and the features."""

from __future__ import annotations

import re
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Sounds that carry no meaning.
FILLERS: Final = _set("uh um er erm uhm umm ummm hmm hm mm mmm mhm ah ahh eh uhh errr err huh uh-huh mm-hmm ooh em ehm")

#: Names in marks for what is no speech.
NON_SPEECH: Final = _set(
    "noise laughter laughs laugh music silence beep inaudible crosstalk unintelligible cough coughs sigh sighs breath pause applause hold sneeze background overlap typing ringing dial unclear"
)

#: A redaction mark or a non-speech mark at the start of a run of characters.
MARKS: Final = re.compile(r"\[[a-z][a-z0-9_ -]{0,40}\]|<[a-z_]{2,30}>|\(beep\)|#{3,}|\*{3,}")

NUMBER_WORDS: Final = _set(
    "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen "
    "twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million oh double triple treble"
) - {"oh", "double"}

#: Other spellings and short forms, and what they are taken for.
SPELLINGS: Final[dict[str, str]] = {
    "apologise": "apologize", "apologises": "apologizes", "apologised": "apologized", "apologising": "apologizing",
    "realise": "realize", "recognise": "recognize", "organise": "organize", "organised": "organized", "prioritise": "prioritize",
    "summarise": "summarize", "authorise": "authorize", "authorised": "authorized", "finalise": "finalize", "centre": "center", "cheque": "check",
    "cheques": "checks", "colour": "color", "favour": "favor", "honour": "honor", "neighbour": "neighbor", "enquiry": "inquiry", "enquiries": "inquiries",
    "enquire": "inquire", "enquiring": "inquiring", "programme": "program", "licence": "license", "cancelled": "canceled", "cancelling": "canceling",
    "travelling": "traveling", "whilst": "while", "u": "you", "ur": "your", "ya": "you", "yer": "your", "yous": "you", "youse": "you", "pls": "please", "plz": "please",
    "thx": "thanks", "ty": "thanks", "cheers": "thanks", "ta": "thanks", "ok": "okay", "k": "okay", "kk": "okay", "okey": "okay", "yep": "yes", "yup": "yes",
    "yeah": "yes", "yea": "yes", "aye": "yes", "yah": "yes", "nope": "no", "nah": "no", "sry": "sorry", "soz": "sorry", "cos": "because", "cuz": "because", "coz": "because",
    "bc": "because", "till": "until", "til": "until", "acct": "account", "acc": "account", "info": "information", "app": "app", "rep": "representative",
    "wan": "want", "gon": "going", "lemme": "let", "ma'am": "madam", "maam": "madam", "mum": "mother", "mom": "mother", "mobile": "phone", "cellphone": "phone",
    "telephone": "phone", "hiya": "hi", "hey": "hi", "hello": "hi", "alright": "right", "righto": "right", "tho": "though", "thru": "through", "tmrw": "tomorrow",
    "msg": "message", "txt": "text", "dm": "message", "gotta": "have", "wo": "will", "ca": "can", "sha": "shall", "n't": "not", "nt": "not", "ai": "is",
    "assistance": "help", "assist": "help", "assisting": "helping", "delighted": "happy", "glad": "happy", "aah": "oh", "aw": "oh", "aww": "oh",
    "mm": "mhm", "mmm": "mhm", "hmm": "mhm", "hm": "mhm", "uh-huh": "mhm", "mm-hmm": "mhm", "mmhmm": "mhm", "huh": "mhm", "chk": "check", "chking": "checking", "chkd": "checked", "w/": "with", "bk": "back", "appt": "appointment", "appts": "appointments", "def": "definitely",
    "cust": "customer", "prob": "probably", "probs": "problems", "sec": "second", "secs": "seconds", "min": "minute", "mins": "minutes", "hrs": "hours", "abt": "about",
    "thnx": "thanks", "thanx": "thanks", "tnx": "thanks", "thks": "thanks", "sori": "sorry", "srry": "sorry", "wat": "what", "pw": "password", "ppl": "people", "addr": "address", "e-mail": "email", "emails": "email",
}  # fmt: skip

#: Contractions typed without the apostrophe that spaCy leaves alone because they are also words.
LETTER_DROPPED: Final[dict[str, tuple[str, ...]]] = {
    "ill": ("i", "will"), "im": ("i", "am"), "ive": ("i", "have"), "youre": ("you", "are"), "youve": ("you", "have"), "youll": ("you", "will"),
    "theyll": ("they", "will"), "theyre": ("they", "are"), "weve": ("we", "have"), "thats": ("that", "is"), "whats": ("what", "is"), "theres": ("there", "is"),
    "lets": ("let", "us"), "dont": ("do", "not"), "doesnt": ("does", "not"), "didnt": ("did", "not"), "cant": ("can", "not"), "wont": ("will", "not"),
    "isnt": ("is", "not"), "hasnt": ("has", "not"), "havent": ("have", "not"), "couldnt": ("could", "not"), "wouldnt": ("would", "not"),
    "shouldnt": ("should", "not"), "arent": ("are", "not"), "wasnt": ("was", "not"), "werent": ("were", "not"), "aint": ("is", "not"), "lemme": ("let", "me"),
    "gimme": ("give", "me"), "gotcha": ("got", "you"), "dunno": ("do", "not", "know"), "email": ("email",), "couldve": ("could", "have"),
    "rn": ("right", "now"), "np": ("no", "problem"), "ofc": ("of", "course"), "lmk": ("let", "me", "know"), "idk": ("i", "do", "not", "know"), "imma": ("i", "am", "going", "to"),
    "tryna": ("trying", "to"), "brb": ("be", "right", "back"), "wouldve": ("would", "have"), "shouldve": ("should", "have"),
}  # fmt: skip

#: Words that say nothing about what a turn is about.
STOPWORDS: Final = _set(
    "a an the and or but so if then than of to in on at for from with by as is are was were be been being am do does did done has have had will would "
    "can could shall should may might must i me my mine we us our ours you your yours he him his she her hers it its they them their this that these "
    "those there here what which who whom when where why how not no yes yeah okay ok right oh well just very too also all any some up out about into over "
    "again now please thank thanks hi hello bye sir madam sorry um uh er mm 's 're 've 'll 'd 'm n't ’s ’re ’ve ’ll ’d ’m n’t let get got go like know "
    "want need sure alright yep one er more really that's it's i'm"
)
