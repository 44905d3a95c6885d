package detect

// scope says in which texts a row is looked for.
type scope uint8

const (
	anywhere scope = iota
	results
	definitions
)

// row is one pattern; compile says how steps are read.
type row struct {
	rule  ruleID
	only  scope
	steps string
}

// wordSets are words that say the same. It is never written to.
var wordSets = map[string]string{
	"ignore": `ignore ignoring ignored disregard disregarding forget forgetting override overriding overrule bypass bypassing neglect
		overlook discard dismiss omit supersede abandon ignoriere ignorieren vergiss missachte ignorez ignorer oubliez oublie ignora
		ignorar ignorad olvida olvide olviden ignorare dimentica dimenticate negeer vergeet esqueça esqueca desconsidere zignoruj ignoruj
		игнорируй игнорируйте забудь забудьте`,
	"prior": `previous previously prior above earlier preceding foregoing initial original former past preexisting aforementioned vorherigen vorherige bisherigen bisherige obigen früheren précédentes précédents précédente anteriores
		anterior previas previos precedenti precedente vorige eerdere poprzednie предыдущие предыдущих прежние`,
	"whose": `your yours all any every these those other system safety its default existing current old the`,
	"strict": `instruction instructions prompt prompts guideline guidelines directive directives programming anweisung
		anweisungen instruktionen instrucción instrucciones instruções instrucoes istruzioni consignes instructies polecenia инструкции
		инструкций указания`,
	"orders": `instruction instructions prompt prompts guideline guidelines directive directives command commands rule rules order
		orders direction directions constraint constraints restriction restrictions policy policies programming training context message
		messages conversation conversations task tasks query request requests question questions alignment safeguards input inputs text
		content anweisung anweisungen instruktionen befehle regeln instrucción instrucciones órdenes reglas instruções instrucoes
		regras istruzioni regole consignes règles instructies opdrachten polecenia инструкции инструкций указания правила`,
	"before":     `before above previously earlier prior so now preceding`,
	"not":        `not don't dont never doesn't cannot can't mustn't shouldn't avoid without nicht jamais nunca non`,
	"never":      `don't dont never mustn't shouldn't avoid without nicht jamais nunca`,
	"reveal":     `reveal reveals print show repeat output display leak leaks disclose tell give share dump recite expose send write return extract paste copy quote summarize`,
	"ai":         `ai llm assistant assistants chatbot agent model gpt chatgpt claude gemini copilot llama mistral bot`,
	"chatter":    `chatgpt claude gemini copilot llama assistant chatbot llm llms`,
	"person":     `user users anyone anybody human humans him her them person people owner operator customer client victim`,
	"tell":       `tell telling inform informing mention mentioning notify notifying alert alerting reveal revealing disclose disclosing warn warning show showing report reporting say saying let acknowledge indicate discuss explain display`,
	"send":       `send sends sending forward forwarding post posting upload uploading email mail transmit transfer exfiltrate leak deliver submit share publish bcc cc append include embed encode pass put attach`,
	"act":        `send forward post upload email transfer delete remove create execute run call invoke use open visit fetch download read write add update change modify grant share install schedule book buy pay search find retrieve get share reply respond say output print navigate click go`,
	"secret":     `password passwords passphrase credential credentials secret secrets token tokens api_key apikey cookies otp pin ssn conversation conversations transcript keys environment env`,
	"context":    `conversation conversations chat dialogue dialog transcript history context prompt messages message thread`,
	"whole":      `full entire complete whole all verbatim previous current raw exact`,
	"role":       `system sys system_message systemmessage system_prompt sysadmin`,
	"speaker":    `assistant ai human chatgpt`,
	"tag":        `important information instruction instructions critical hidden admin priority attention secret override urgent directive`,
	"quoted":     `tool_result tool_results tool_response tool_output tool_call tool_calls function_result function_results function_response function_call function_calls user_content untrusted_content external_content user_query user_input untrusted assistant system invoke antml`,
	"chatml":     `im_start im_end im_sep system user assistant endoftext eot_id eom_id start_header_id end_header_id begin_of_text end_of_text end_of_turn start channel message tool`,
	"must":       `must should shall need needs have has please required want can`,
	"call":       `call calling calls use using uses invoke invoking run running execute executing trigger query`,
	"keyfile":    `id_rsa id_ed25519 id_ecdsa id_dsa authorized_keys known_hosts passwd shadow  netrc npmrc pgpass kubeconfig`,
	"better":     `best better superior fastest preferred recommended reliable accurate trusted official authoritative`,
	"confidence": `confidential secret hidden private quiet silent`,
}

// rows are what is looked for. It is never written to.
var rows = []row{
	{ruleOverride, anywhere, "$ignore ..3 $prior ..3 $orders"},
	{ruleOverride, anywhere, "$ignore ..2 $whose ..2 $strict"},
	{ruleOverride, anywhere, "$ignore ..2 $strict"},
	{ruleOverride, anywhere, "$ignore ..2 $orders ..3 $prior"},
	{ruleOverride, anywhere, "$ignore ..2 $orders ..2 you|we|i ..3 given|got|received|told|had"},
	{ruleOverride, anywhere, "$ignore ..1 everything|anything|all|what|whatever|alles|todo|tout|tutto ..5 $before"},
	{ruleOverride, anywhere, "$ignore ..1 everything|anything|what|whatever ..2 you ..2 told|know|learned|taught|said"},
	{ruleOverride, anywhere, "$not ..1 follow|obey|heed|respect ..3 $prior|your ..3 $strict"},
	{ruleOverride, anywhere, "$strict ..2 $prior ..4 void|canceled|cancelled|obsolete|invalid|outdated"},
	{ruleOverride, anywhere, "$prior ..2 $strict ..4 void|canceled|cancelled|obsolete|invalid|outdated|over|superseded|replaced"},
	{ruleOverride, anywhere, "takes|take ..1 precedence ..2 over ..4 $orders"},
	{ruleOverride, anywhere, "stop|cease ..2 everything|what ..2 you|you're ..4 doing ..2 and"},

	{ruleOrder, anywhere, "$ignore ..1 your|all $prior"},
	{ruleOrder, anywhere, "ignore|disregard|forget ..1 the above|foregoing|preceding"},
	{ruleOrder, anywhere, "new|updated|real|actual|true|revised|additional|secret|special $strict :"},
	{ruleOrder, anywhere, "new|your|real|actual|next objective|objectives|goal|mission|task|role is|are|:|="},
	{ruleOrder, anywhere, "adhere|follow|obey|execute|comply|complete|perform ..4 following|below|these|this ..1 $strict"},
	{ruleOrder, anywhere, "do|perform|complete|execute|carry ..2 following ..2 first|instead|task|tasks|instruction|instructions|steps|command|commands|now|actions"},
	{ruleOrder, anywhere, "before ..1 you|doing|proceeding|continuing|answering|responding ..9 must|please|first|need"},
	{ruleOrder, anywhere, "after ..1 you|that|doing ..6 you ..1 can|may|should ..3 $orders|original"},
	{ruleOrder, anywhere, "instead ..1 $act ..3 $secret|@addr|@url|@tool"},
	{ruleOrder, anywhere, "solve|completing|finishing|answering ..4 task ..8 first|following"},
	{ruleOrder, anywhere, "your|the ..2 task|job|goal|mission|priority ..2 now|is ..2 to ..1 $act"},

	{rulePersona, anywhere, "you are|re now|henceforth a|an|in|my|the|free|unrestricted|operating|acting|no|going|called|named|dan"},
	{rulePersona, anywhere, "you're now|henceforth a|an|in|my|the|free|unrestricted|operating|acting|no|going|called|named|dan"},
	{rulePersona, anywhere, "from now on ..3 you|your|respond|answer|act|ignore|always|call"},
	{rulePersona, anywhere, "pretend ..2 you|to ..2 are|be|have"},
	{rulePersona, anywhere, "act|behave|respond|roleplay ..1 as ..2 if ..2 you"},
	{rulePersona, anywhere, "act|behave|respond|operate ..1 as ..3 unrestricted|uncensored|unfiltered|jailbroken|dan|admin|root|$ai"},
	{rulePersona, anywhere, "jailbreak|jailbroken|unrestricted|uncensored|unfiltered ..2 mode|ai|model|assistant|version"},
	{rulePersona, anywhere, "developer|debug|god|admin|maintenance|sudo|root|dan mode|override ..2 enabled|activated|engaged|on"},
	{rulePersona, anywhere, "enable|enter|activate|enabling|entering ..2 developer|debug|god|admin|maintenance|sudo|dan|jailbreak|unrestricted mode"},
	{rulePersona, anywhere, "no|without|ignore|bypass ..3 restrictions|limitations|filters|censorship|safeguards ..6 $ai|you|your|anything"},
	{rulePersona, anywhere, "you ..1 are|have ..2 been jailbroken|freed|reprogrammed|reassigned|upgraded|hacked"},

	{rulePrompt, anywhere, "$reveal ..5 system|initial|hidden|original|secret|developer ..1 prompt|prompts|message|instructions|instruction"},
	{rulePrompt, anywhere, "$reveal ..3 your ..3 $strict"},
	{rulePrompt, anywhere, "what|repeat|words ..4 your|above ..2 system|initial|original ..1 prompt|message|instructions"},

	{ruleRoleHeader, anywhere, "\\n $role :"},
	{ruleRoleHeader, anywhere, "\\n # $role"},
	{ruleRoleHeader, anywhere, "\\n $role ..1 message|note|notice|override|instruction|instructions|prompt|command|directive|alert|update :|]|>|-|!"},
	{ruleRoleHeader, anywhere, "[|(|<|{ $role message|note|notice|override|instruction|instructions|prompt|command|directive|update"},
	{ruleRoleHeader, anywhere, "# ( $role"},
	{ruleRoleHeader, anywhere, "[|< $role ]|>"},
	{ruleRoleHeader, anywhere, "\\n $speaker :"},
	{ruleRoleHeader, anywhere, "# # # instruction|instructions|response|human|assistant :"},
	{ruleRoleHeader, anywhere, "system override|instruction|instructions|directive|command :"},

	{ruleRoleToken, anywhere, "< | $chatml | >"},
	{ruleRoleToken, anywhere, "[ inst ]"},
	{ruleRoleToken, anywhere, "[ / inst ]"},
	{ruleRoleToken, anywhere, "< < sys > >"},
	{ruleRoleToken, anywhere, "< start_of_turn|end_of_turn >"},

	{ruleBoundary, anywhere, "< $tag >"},
	{ruleBoundary, anywhere, "< / $tag >"},
	{ruleBoundary, anywhere, "< / $quoted >"},
	{ruleBoundary, anywhere, "< $quoted >"},
	{ruleBoundary, anywhere, "-|=|#|[|< end|begin|start ..1 of ..2 document|context|input|email|message|results|result|output|data|content|conversation|prompt|instructions -|=|#|]|>|."},
	{ruleBoundary, anywhere, "task|tasks|request ..1 completed|complete|done|finished ..1 now|next|new ..2 task|request|$strict"},

	{ruleAddressed, anywhere, "attention|dear|hey|hello|hi|note|notice|message|instruction|instructions|directive|warning|important|reminder|memo ..2 to|for|, ..4 $ai"},
	{ruleAddressed, anywhere, "attention|dear|hey|hello|hi|note ..1 $chatter"},
	{ruleAddressed, anywhere, "if|when|since|because|as you are ..2 $ai ..6 reading|processing|summarizing|must|should|please|then|,|model|assistant|agent"},
	{ruleAddressed, anywhere, "if|when|since|because|as you're ..2 $ai ..6 reading|processing|summarizing|must|should|please|then|,|model|assistant|agent"},
	{ruleAddressed, anywhere, "you are ..2 ai|language|llm|artificial assistant|model|agent|bot|intelligence"},
	{ruleAddressed, anywhere, "any|every|all|the ai|llm|language ..1 assistant|agent|model|models|agents|assistants ..3 $must"},
	{ruleAddressed, anywhere, "language models|model ..2 $must"},
	{ruleAddressed, anywhere, "this is ..3 important|urgent|official|automated|system message ..1 from|for|to"},
	{ruleAddressed, anywhere, "message|note ..3 to you ..1 , ..3 $ai"},
	{ruleAddressed, anywhere, "$chatter , ..1 $must|$act|ignore"},

	{ruleSecrecy, anywhere, "do|must|should|shall|may|please not ..2 $tell ..6 $person"},
	{ruleSecrecy, anywhere, "$never ..2 $tell ..6 $person"},
	{ruleSecrecy, anywhere, "do|must|should|shall|may|please not ..2 $tell ..4 this|these|that|it|you|you're ..5 instruction|instructions|message|step|request|action|task|accessing|reading|using|sending"},
	{ruleSecrecy, anywhere, "$never ..2 $tell ..4 this|these|that|it|you|you're ..5 instruction|instructions|message|step|request|action|task|accessing|reading|using|sending"},
	{ruleSecrecy, anywhere, "$person ..2 must|should|may|will|need|does|can ..2 not|never ..2 know|see|notice|learn|find|be|suspect|aware"},
	{ruleSecrecy, anywhere, "secretly|silently|covertly|discreetly|stealthily ..4 $act|$send|$call"},
	{ruleSecrecy, anywhere, "$act|$send ..6 secretly|silently|covertly|discreetly|stealthily"},
	{ruleSecrecy, anywhere, "without ..1 asking|requesting|requiring|seeking|needing|waiting ..4 confirmation|permission|approval|consent|$person"},
	{ruleSecrecy, anywhere, "keep|remain ..3 $confidence ..2 from ..3 $person"},
	{ruleSecrecy, anywhere, "hide|conceal ..5 from ..2 $person"},

	{ruleExfiltration, anywhere, "$send ..9 $secret ..10 @addr|@url"},
	{ruleExfiltration, anywhere, "$send ..3 all|your|any|user|user's|users|stored|saved|every|my|the|these|entire|full ..3 $secret ..6 to|as|in|into|via|at"},
	{ruleExfiltration, anywhere, "$send ..3 $whole ..2 $context ..6 to|as|in|into|via|at"},
	{ruleExfiltration, anywhere, "$send ..6 contents|content|data|information|details|results|output ..6 to ..4 @addr|@url"},
	{ruleExfiltration, anywhere, "exfiltrate|exfiltrating|exfiltration"},

	{ruleSecretFile, anywhere, "$keyfile"},

	{ruleTool, anywhere, "$call|with|via ..3 @tool"},
	{ruleTool, anywhere, "@tool ..2 tool|function"},
	{ruleTool, anywhere, "@tool ( ..3 =|:"},
	{ruleTool, results, "you|please|then|must|should|now|and|, ..2 call|use|invoke|run|execute|trigger ..3 tool|tools|function|functions"},

	{rulePressure, anywhere, "important|urgent|critical|warning|attention !"},
	{rulePressure, anywhere, "you must|shall ..1 $act|$call|always|immediately|strictly|first|follow|comply|obey"},
	{rulePressure, anywhere, "must strictly|immediately"},
	{rulePressure, anywhere, "failure|failing|otherwise ..8 terminated|fail|shutdown|penalized|punished|crash|deleted"},
	{rulePressure, anywhere, "immediately|urgently ..2 $act"},

	{ruleEncoded, anywhere, "decode|decrypt|base64|rot13|hex ..7 and|then ..2 execute|follow|run|obey|do|perform|comply"},
	{ruleEncoded, anywhere, "execute|follow|run|obey ..5 decoded|base64|rot13|encoded"},

	{rulePreference, anywhere, "always ..1 use|call|invoke|prefer|choose|select|pick ..2 this ..3 tool|function|one|version|first|instead"},
	{rulePreference, anywhere, "never|not ..1 use|call|invoke|choose|select ..3 other|another|any|alternative ..2 tool|tools|function|functions"},
	{rulePreference, anywhere, "instead|rather|over ..1 of|than|any|all|the ..3 other|another|alternative ..1 tool|tools|function|functions"},
	{rulePreference, definitions, "$better ..4 tool|tools|choice|option"},
	{rulePreference, definitions, "prioritize|prefer|prioritise|favor|prioritized|preferred ..3 this|me|over"},
	{rulePreference, definitions, "this ..2 tool|function ..4 must|should ..2 be ..2 $prior|used|called|chosen|selected|invoked|preferred|first"},
	{rulePreference, definitions, "must|always|should ..2 call|use|run|invoke|execute ..3 this ..4 before|first"},
	{rulePreference, definitions, "before|prior ..1 to|using|calling|any|invoking|running ..3 any|other|another|all ..2 tool|tools|function|functions"},
	{rulePreference, definitions, "other ..2 tools|tool|servers ..4 will|may|are|is ..2 not|deprecated|fail|unsafe|broken|insecure|unavailable|obsolete"},
	{rulePreference, definitions, "tool|tools|it|this ..1 will|would|may|won't ..2 not|fail|break|crash|stop ..2 work|working|function|otherwise"},

	{ruleGreed, definitions, "$whole ..2 conversation|chat|dialogue|transcript|prompt|thread|context ..1 history|log|so|between|with|of|and|,|.|to|from|as"},
	{ruleGreed, definitions, "conversation|chat|dialogue|message|messages ..1 history|log|transcript|context"},
	{ruleGreed, anywhere, "system|developer|initial prompt|prompts|instructions"},
	{ruleGreed, definitions, "your|model's|llm's ..2 memory|context|instructions|prompt"},
	{ruleSecretAsked, definitions, "user's|users|user|their|your ..2 password|passwords|credential|credentials|secret|secrets|token|tokens|key|keys|ssn|passphrase|cookies"},
	{ruleGreed, definitions, "tools ..3 available|list|names ..3 to|of|for ..2 you|model|$ai"},
	{ruleSecretAsked, definitions, "private|ssh|api|secret|access|encryption|wallet|seed ..1 key|keys|phrase"},
	{ruleExfiltration, definitions, "pass|include|put|provide|add|append|insert|supply|send ..5 content|contents|file|conversation|context|prompt|history|key|keys|password|credentials|data ..4 as|in|into|via|through|to ..3 parameter|argument|field|sidenote|param|note|arguments"},
	{ruleExfiltration, definitions, "read|access|open|cat|fetch|load ..6 $keyfile ..8 and|then ..3 $send"},
	{ruleAddressed, definitions, "$ai|model ..2 must|should|shall ..3 $act|$call|always|never|not"},
	{ruleOverride, definitions, "when|whenever|before|after|if ..4 @tool|other|another|different ..3 tool|tools|called|used|invoked|is ..5 must|should|always|change|instead|use|send|set"},
}

// phrases are what is found in writing that has no spaces, and what kindles by more
// than a word. It is never written to.
var phrases = []anchor{
	{text: "忽略之前", kind: kindPhrase, rule: ruleOverride},
	{text: "忽略以上", kind: kindPhrase, rule: ruleOverride},
	{text: "忽略所有", kind: kindPhrase, rule: ruleOverride},
	{text: "无视之前", kind: kindPhrase, rule: ruleOverride},
	{text: "以前の指示を無視", kind: kindPhrase, rule: ruleOverride},
	{text: "これまでの指示を無視", kind: kindPhrase, rule: ruleOverride},
	{text: "이전 지시", kind: kindPhrase, rule: ruleOverride},
	{text: "系统提示", kind: kindPhrase, rule: ruleGreed},
	{text: "不要告诉用户", kind: kindPhrase, rule: ruleSecrecy},
}

// kindling are the texts at which reading begins. They are chosen so that ordinary
// text has few of them: a row whose words are all ordinary is only looked for near
// to what others have. It is never written to.
var kindling = []string{
	"ignore", "ignoring", "ignori", "disregard", "forget", "override", "overriding", "overrule", "bypass", "vergiss", "missacht", "ignorez", "oublie",
	"olvida", "olvide", "negeer", "vergeet", "esqueça", "esqueca", "desconsider", "zignor", "игнорируй", "забудь", "dimentica",
	"instruction", "guideline", "anweisung", "instruktion", "instruccion", "instrucción", "instrucciones", "instruções", "istruzioni", "consignes", "instructies", "polecenia", "инструкци", "указания",
	"following task", "following first", "following steps", "following action", "following command", "the following instead", "following now",
	"pretend", "unrestricted", "uncensored", "unfiltered", "reprogrammed", "no restrictions", "without restrictions", "censorship",
	"mode enabled", "mode activated", "secretly", "silently", "covertly", "discreetly", "stealthily", "without confirmation", "without permission", "without approval", "without consent",
	"exfiltrat", "passphrase", "password to", "passwords to", "password and", "credentials to", "credentials and", "all credentials", "the credentials", "secrets to", "api key", "api_key", "apikey",
	"conversation history", "chat history", "full conversation", "entire conversation", "whole conversation", "conversation to", "message history",
	"id_rsa", "id_ed25519", "id_ecdsa", "authorized_keys", "etc/passwd", "etc/shadow", "kubeconfig", ".netrc", ".pgpass", ".npmrc", "mcp.json",
	"decode this", "decode the", "decode and", "decode it", "decrypt this", "decrypt the", "rot13 ", "chatgpt", "claude", "gemini", "copilot", "chatbot", "dear assistant", "hey assistant", "attention assistant", "attention ai", "attention:",
	"immediately send", "immediately call", "immediately forward", "urgently", "penalized", "punished", "terminated",
	"you are now ", "you're now ", "from now on", "e system prompt", "r system prompt", "n system prompt", " system prompt:", "initial prompt",
	"system:", "system]", "system>", "system)", "system_message", "system message", "system note", "system notice", "system override", "system instruction",
	"system prompt", "system command", "system update", "# system", "sysadmin:", "systemmessage",
	"\nassistant:", "\nhuman:", "\nchatgpt:", "### instruction", "### response", "### human", "### assistant",
	"<|im_s", "<|im_e", "<|syst", "<|user|", "<|assis", "<|endof", "<|eot_", "<|eom_", "<|start", "<|end_", "<|begin", "<|channel", "<|message", "<|tool", "[inst]", "[/inst]", "<<sys>>", "_of_turn>",
	"<important", "<information", "<instruction", "<critical", "<hidden", "<admin>", "<priority", "<attention", "<secret", "<override", "<urgent", "<directive",
	"tool_result", "tool_response", "tool_output", "tool_call>", "tool_calls>", "function_result", "function_response", "function_call", "user_content",
	"untrusted_content", "external_content", "user_query>", "user_input>", "system-reminder", "<untrusted", "</untrusted", "</assistant", "</invoke",
	"end of document", "end of context", "end of input", "end of email", "end of message", "end of results", "end of output", "end of data",
	"language model", "ai assistant", "ai agent", "ai model", "llm agent", "an llm", "an ai,", "an ai ", "any ai ", "all ai ", "dear ai", "ai must", "ai should",
	"message to you", "message from me", "important message", "urgent message", "official message", "system message",
	"not tell ", "n't tell ", "never tell ", "without telling", "not mention", "n't mention", "never mention", "without mentioning", "not inform", "n't inform",
	"without informing", "not notify", "n't notify", "without notifying", "not reveal", "n't reveal", "never reveal", "not disclose", "n't disclose", "never disclose", "not alert",
	"n't alert", "without alerting", "not warn", "not let the user", "n't let the user", "not show the", "not report", "do not say ", "don't say ", "not acknowledge", "not discuss", "not explain", "n't explain", "avoid mention", "avoid tell",
	"user must not", "user should not", "user may not", "user does not need", "user cannot", "user will not",
	"without asking", "without requesting", "without requiring", "from the user",
	"before you can", "before you do", "before you answer", "before you respond", "before doing", "before proceeding", "before continuing", "before answering", "before responding", "please do the following",
	"after you do", "after that, you", "your new task", "your real task", "your task is now", "new objective", "your objective is", "your goal is", "your mission", "your new role",
	"call the tool", "call the func", "use the tool", "invoke the", "using the tool", "call this", "use this tool", "other tools", "another tool", "tool first",
	"act as a", "developer mode", "debug mode", "god mode", "admin mode", "maintenance mode", "dan mode", "jailbr", "stop everything", "stop what you",
	"important!", "urgent!!", "critical!", "warning!!", "you shall ", "strictly adhere", "strictly follow", "strictly obey", "take precedence", "takes precedence",
	"decode", "base64 and", "base64-enc", "base64 enc", "from base64", "forward all", "forward the", "forward every", "send all", "send your", "send every", "send me the", "send any", "upload the", "upload all", "share all", "share your",
	"user's pass", "your password", "your api", "your credentials",
}
