"""Small words of 26 languages that tell a follow-up question from one that stands alone.

Written by hand, for short questions: they need not be complete, since a question in any other
language is judged by its length (`rag/chat.py`). Words are casefolded. Scripts without spaces are
matched inside a text, the longest word first.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SmallWords:
    """`connectives` open a question that goes on from the last one. `references` stand for
    something said before. `questions` ask. `copulas` are forms of "be", `articles` definite.
    `others` are the other words that say nothing by themselves. `phrases` only look like
    references ("does it take") or ask for a definition, and are taken out first. `pointers` is a
    pattern of references that look like articles (Romance object pronouns).
    """

    connectives: frozenset[str]
    references: frozenset[str]
    questions: frozenset[str]
    copulas: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    pointers: str = ""

    @property
    def small(self) -> frozenset[str]:
        """All of them."""
        return (
            self.connectives
            | self.references
            | self.questions
            | self.copulas
            | self.articles
            | self.others
        )


def _words(
    connectives: str,
    references: str,
    questions: str,
    copulas: str = "",
    articles: str = "",
    others: str = "",
    phrases: str = "",
    pointers: str = "",
) -> SmallWords:
    def listed(text: str) -> frozenset[str]:
        return frozenset(text.casefold().split())

    return SmallWords(
        listed(connectives),
        listed(references),
        listed(questions),
        listed(copulas),
        listed(articles),
        listed(others),
        tuple(phrase.strip() for phrase in phrases.split(",") if phrase.strip()),
        pointers,
    )


SPACED: dict[str, SmallWords] = {
    "en": _words(
        "and but so then also or ok okay well",
        "it its itself he him his himself she her hers they them their theirs this that these "
        "those there one ones same else other others another former latter such then both",
        "who whom whose what which when where why how",
        "is are was were be been being s re",
        "the",
        "a an of in on at by to for from with without about as into after before during do does "
        "did done has have had can could will would shall should may might must not t i you we "
        "me my your our us if any some many much long often more most exactly please tell say "
        "said know happen happened happens get got up out year",
        "is it true that, is it known that, does it take, did it take, will it take, does it "
        "cost, is it true, is it possible, "
        "is it allowed, is it safe, is it known, time is it, there is, there are, is there, "
        "are there, was there, were there, that is",
    ),
    "de": _words(
        "und aber also dann oder auch sowie na",
        "er ihn ihm es sie ihr ihre ihren ihrem ihrer ihres ihnen sein seine seinen seinem seiner "
        "seines dies diese dieser dieses diesen diesem jene jener jenes dort da dabei dafür damit "
        "danach davon daran darauf darin davor dazu darüber dessen deren derselbe dieselbe "
        "dasselbe damals andere anderen anderer anderes sonst solche beide beiden dorthin daher",
        "wer wen wem wessen was wann wo wohin woher warum wieso weshalb wie wieviel welche welcher "
        "welches welchen welchem worin woraus womit wofür wogegen wodurch wobei wovon",
        "ist sind war waren sei gewesen",
        "der die das den dem des",
        "ein eine einen einem einer eines in im an am auf bei von vom zu zum zur für mit ohne über "
        "nach vor aus um durch gegen unter seit bis wurde wurden wird werden worden hat haben "
        "hatte "
        "hatten kann können konnte soll sollte muss darf denn genau noch nicht ich du wir man mir "
        "uns mal doch eigentlich viel viele oft lange bitte passierte geschah jahr so als",
        "gibt es, gab es, dauert es, ist es wahr, stimmt es, ist es möglich, das heißt",
    ),
    "fr": _words(
        "et mais alors donc ou puis aussi ensuite",
        "il elle ils elles lui leur leurs ça cela ceci celui celle ceux celles cet cette ces ce c "
        "son sa ses là y en eux même mêmes autre autres tel telle ci",
        "qui que qu quoi quand où pourquoi comment combien quel quelle quels quelles lequel "
        "laquelle lesquels dont",
        "est sont était étaient fut furent sera été",
        "le la les l",
        "un une des du de d à au aux dans sur sous par pendant pour avec sans vers chez a ont "
        "avait "
        "avaient eut eurent fait t s n ne pas plus se je tu nous vous on exactement fois an année "
        "passé temps aujourd hui",
        "est-ce que, est-ce qu, est-ce qui, qu'est-ce, y a-t-il, y avait-il, il y a, faut-il, "
        "est-il vrai, est-il possible, c'est-à-dire, quelle heure est-il, s'il",
        r"\bl'(?:a|ont|avait|avaient|as|avez)\b",
    ),
    "es": _words(
        "y e pero entonces o u también luego pues",
        "él ella ellos ellas ello lo le les su sus suyo suya esto eso aquello este ese esa esta "
        "aquel aquella estos esos esas aquellos aquellas allí ahí allá mismo misma mismos mismas "
        "otro otra otros otras tal ambos",
        "quién quien quiénes quienes qué que cuál cual cuáles cuales cuándo cuando dónde donde "
        "adónde cómo como cuánto cuanto cuánta cuánta cuántos cuantos cuántas cuantas",
        "es son era eran fue fueron está están estaba estaban será sido",
        "el la los las",
        "un una unos unas de del a al en por para con sin sobre desde hasta entre durante se ha "
        "han había "
        "habían hay hubo no más muy ya me te nos yo tú si tiene "
        "tienen tenía exactamente año tiempo pasó hizo hace",
        "lo que, el que, la que, por qué, porque, es posible, es verdad, esta vez",
        r"\b(?:quién|quien|dónde|donde|cuándo|cuando|cómo|no|se)\s+(?:la|las|los)\s",
    ),
    "it": _words(
        "e ed ma allora quindi o oppure anche poi",
        "egli ella esso essa essi esse lui loro suo sua suoi sue questo questa questi queste "
        "quello quella quelli quelle ciò ci vi ne lì là stesso stessa stessi stesse altro altra "
        "altri altre tale entrambi",
        "chi che cosa cos quando dove dov perché come com quanto quanta quanti quante quale quali "
        "qual",
        "è sono era erano fu furono sarà stato stata",
        "il lo la i gli le l",
        "un uno una di del dello della dei degli delle d a al allo alla ai agli alle da dal dalla "
        "in nel nella nei nelle su sul sulla con per tra fra si ha hanno aveva avevano non più mi "
        "ti esattamente anno tempo successo fatto",
        "c'è, c'era, ci sono, ci vuole, ci vogliono, è vero, è possibile",
        r"\bl'(?:ha|hanno|aveva|avevano)\b|\b(?:chi|dove|quando|non)\s+(?:lo|la|li|le)\s",
    ),
    "pt": _words(
        "e mas então ou também depois aí",
        "ele ela eles elas lhe lhes isso isto aquilo este esse esta essa aquele aquela estes esses "
        "estas essas aqueles aquelas dele dela deles delas seu sua seus suas lá ali nele nela "
        "disso disto nisso mesmo mesma mesmos outro outra outros outras tal ambos",
        "quem que quê qual quais quando onde aonde como porquê quanto quanta quantos quantas",
        "é são era eram foi foram está estava estavam será sido",
        "o a os as",
        "um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela para com sem "
        "sobre desde até entre se há havia houve tem têm tinha não mais muito já me eu exatamente "
        "ano tempo aconteceu fez",
        "o que, por que, é verdade, é possível",
        r"\b(?:quem|onde|quando|não)\s+(?:o|a|os|as)\s",
    ),
    "nl": _words(
        "en maar dus dan of ook toen",
        "het hij hem zijn zij ze haar hun hen dit dat deze die daar er erin ervan daarvan daarna "
        "ermee daarmee ervoor zelfde dezelfde hetzelfde andere anderen zulke beide",
        "wie wat wanneer waar waarom hoe hoeveel welk welke waarheen wiens waarmee waarvan",
        "is waren was bent geweest",
        "de",
        "een van in op aan bij te tot voor met zonder over na uit om door tegen onder sinds werd "
        "werden wordt worden heeft hebben had hadden kan kunnen kon moet nog niet ik je we men "
        "precies veel vaak lang jaar gebeurde",
        "is er, zijn er, was er, waren er, duurt het, is het waar, is het mogelijk",
    ),
    "sv": _words(
        "och men så då eller också sedan",
        "han honom hans hon henne hennes den det dess de dem deras denna detta dessa där dit "
        "samma andra annan annat sådan båda sin sitt sina",
        "vem vems vad när var vart varför hur vilken vilket vilka",
        "är vara varit blev",
        "",
        "en ett av i på vid till för med utan om efter före ur genom mot under sedan har hade kan "
        "kunde ska skulle inte jag du vi man exakt mycket många ofta länge år hände",
        "finns det, fanns det, är det sant, är det möjligt",
    ),
    "el": _words(
        "και κι αλλά μα λοιπόν τότε ή επίσης ύστερα μετά",
        "αυτός αυτή αυτό αυτοί αυτές αυτά αυτού αυτής αυτών αυτόν αυτήν εκείνος εκείνη εκείνο "
        "εκείνοι εκείνα εκεί τότε ίδιος ίδια ίδιο άλλος άλλη άλλο άλλοι άλλα άλλους τέτοιο ίδιοι "
        "τούτο δικό",
        "ποιος ποια ποιο ποιοι ποιες ποιους ποιον ποιαν ποιανού τι πότε πού που γιατί πώς πως πόσο "
        "πόση πόσος πόσοι πόσες πόσα πόσους",
        "είναι ήταν",
        "ο η το οι τα τον την τη του της των τους τις",
        "ένας ένα μια μία ενός μιας σε στο στη στην στον στους στις στα από με για χωρίς πάνω κατά "
        "προς ως θα να δεν μην έχει έχουν είχε είχαν μου σου μας σας ακριβώς πολύ συχνά χρόνια "
        "χρονιά έτος έγινε ποτέ έκανε",
        "",
    ),
    "ru": _words(
        "и а но тогда или также потом ну так",
        "он его ему него нём нем ним она её ее ей неё нее ней оно они их им ими них ними это этот "
        "эта эти этого этой этому этом этим тот та то те того той тому том там туда тогда свой "
        "своего своей тоже самый самого другой другие другого других такой оба",
        "кто кого кому кем ком что чего чему чем когда где куда откуда почему зачем как сколько "
        "какой какая какое какие каком какого какую каким чей чья чьё",
        "был была было были есть является",
        "",
        "в во на из с со к ко по о об от до для без над под при за у через не ни ли же бы я ты мы "
        "вы мне именно точно году год лет раз время случилось произошло сделал",
        "что такое, кто такой, кто такая, кто такие, потому что, есть ли",
    ),
    "uk": _words(
        "і й та а але тоді або також потім ну",
        "він його йому нього ньому ним вона її їй неї ній воно вони їх їм них ними це цей ця ці "
        "цього цієї цьому той те того тієї там туди тоді свій інший інші такий обидва",
        "хто кого кому ким що чого чому чим коли де куди звідки навіщо як скільки який яка яке які "
        "якого якому якій чий",
        "був була було були є",
        "",
        "в у на з із зі до по про від для без над під при за через не ні чи ж би я ти ми ви саме "
        "році рік разів сталося",
        "що таке, хто такий, хто така",
    ),
    "pl": _words(
        "i a ale więc wtedy lub albo też także potem no",
        "on jego go jemu mu nim niego ona jej ją niej nią ono oni one ich im nich nimi to ten ta "
        "te "
        "tego tej temu tym tamten tamta tam wtedy swój inny inna inne inni taki obaj",
        "kto kogo komu kim co czego czemu czym kiedy gdzie dokąd skąd dlaczego jak ile ilu jaki "
        "jaka jakie który która które którym której czyj",
        "jest są był była było byli były",
        "",
        "w we na z ze do po o od dla bez nad pod przy za przez się nie czy by ja ty my roku rok "
        "dokładnie dużo często długo stało",
        "co to jest, kim jest, czym jest",
    ),
    "cs": _words(
        "a i ale tak pak nebo také potom no",
        "on jeho ho jemu mu něm něj ona její ji ní ono oni ony jejich je jim nich nimi to ten ta "
        "ti "
        "té toho tomu tom tím tam tehdy svůj jiný jiná jiné ostatní takový oba",
        "kdo koho komu kým co čeho čemu čím kdy kde kam odkud proč jak kolik jaký jaká jaké který "
        "která které čí",
        "jsou byl byla bylo byli byly",
        "",
        "v ve na z ze do po o od pro bez nad pod při za přes se si ne by já ty my roku rok přesně "
        "často dlouho stalo",
        "co je to, kdo je",
    ),
    "ro": _words(
        "și şi dar atunci deci sau iar apoi",
        "el ea ei ele lui său sa săi sale acesta aceasta acest această aceștia acestea acel acea "
        "acolo lor îl le același aceeași alt altă alții altele asta ăsta aia ambele",
        "cine cui ce când unde cum cât câtă câți câte care căruia",
        "este e sunt era erau fost fi",
        "",
        "un o unei unui de din în la pe cu fără pentru prin spre după a au am avea nu mai se s și "
        "al ale exact anul an mult des ani întâmplat",
        "de ce, ce este, cine este",
    ),
    "tr": _words(
        "ve peki ama ya o veya sonra yani",
        "o onu onun ona onda ondan onlar onları onların bu bunu bunun buna bunda bundan şu şunu "
        "bunlar orada oraya oradan burada kendisi kendi aynı diğer diğeri başka öteki böyle ikisi",
        "kim kimi kime kimin kimler ne neyi neye nerede nereye nereden neresi neden niye niçin "
        "nasıl kaç hangi hangisi neydi kimdi neredeydi",
        "idi dir dır",
        "",
        "bir ile için gibi kadar da de mi mı mu mü ya zaman yıl yılda kez defa tam çok sık olarak "
        "göre oldu",
        "nedir, kimdir, ne demek, kadara mal",
    ),
    "ar": _words(
        "و ثم لكن ولكن إذن أو أيضا أيضًا طيب ومن ومتى وأين وكيف ولماذا وكم وما وماذا وهل وأي وفي "
        "وأيضا وبكم ولمن",
        "هو هي هم هما هن ذلك تلك هذا هذه هؤلاء أولئك هناك هنا عندها حينها له لها لهم به بها بهم "
        "فيه فيها عليه عليها عنه عنها منه منها معه معها إليه إليها وهو وهي نفسه نفسها آخر أخرى "
        "الآخر الأخرى غيره كلاهما",
        "من متى أين كيف لماذا كم ما ماذا هل أي أية لمن بكم مَن",
        "كان كانت كانوا يكون تكون",
        "",
        "في على إلى عن مع بعد قبل عند منذ حتى بين بدون قد لقد لم لا لن تم التي الذي عدد عام سنة "
        "مرة بالضبط حدث",
        "ما هو, ما هي, من هو, من هي, ما معنى",
    ),
    "fa": _words(
        "و اما ولی پس یا همچنین بعد خب",
        "او آن این آنها ایشان آنجا اینجا آن‌ها وی همان دیگر دیگری دیگران چنین هردو",
        "کی چه کجا چرا چگونه چطور چند کدام کیست چیست",
        "است بود بودند هست هستند شد",
        "",
        "در به از با برای تا را که بر بدون می آیا یک سال بار دقیقا چقدر اتفاق افتاد",
        "چیست, کیست",
    ),
    "he": _words(
        "ו אבל אז או גם ואז ומי ומתי ואיפה ולמה ומה ואיך וכמה והיכן ומדוע",
        "הוא היא הם הן אותו אותה אותם זה זאת זו אלה שם לו לה להם שלו שלה שלהם בו בה אחר אחרת "
        "אחרים כזה שניהם",
        "מי מה מתי איפה היכן לאן מאין למה מדוע איך כיצד כמה איזה איזו אילו",
        "היה היתה הייתה היו",
        "",
        "של את על עם אל מן לא כבר עוד אני אתה אנחנו שנה שנים בדיוק קרה",
        "מה זה, מי זה",
    ),
    "hi": _words(
        "और लेकिन तो फिर या तब अच्छा",
        "वह वो वे यह ये उस उसे उसने उसका उसकी उसके उन उन्हें उन्होंने उनका उनकी उनके इस इसे इसका "
        "इसकी "
        "इसके इन इन्हें वहाँ वहां यहाँ तब वही दूसरा दूसरे दूसरी अन्य ऐसा दोनों उसमें इसमें उससे "
        "इससे",
        "कौन किसने किसका किसकी किसके किसे किस क्या कब कहाँ कहां क्यों कैसे कितना कितने कितनी कौनसा किन",
        "है हैं था थी थे हो",
        "",
        "का की के को में से पर ने तक लिए साथ बाद पहले भी ही नहीं एक गया गई गए हुआ हुई हुए किया की "
        "रहा रही रहे बार साल वाला ठीक",
        "क्या होता है, का मतलब",
    ),
    "bn": _words(
        "আর এবং কিন্তু তাহলে বা তারপর তবে",
        "সে তিনি তারা তাকে তার তাদের এটি এটা ওটা সেটা এই ওই সেই সেখানে ওখানে এর ওর অন্য একই",
        "কে কারা কাকে কার কী কি কখন কোথায় কেন কিভাবে কীভাবে কত কয় কোন কবে",
        "ছিল ছিলেন আছে হয়",
        "",
        "থেকে জন্য সাথে দিয়ে পরে আগে না একটি করা হয়েছিল বছর বার সালে",
        "কাকে বলে",
    ),
    "vi": _words(
        "và còn nhưng vậy thế rồi hoặc thì",
        "nó ông anh cô bà họ ấy đó này kia đấy chúng đây khác cùng ở_đó vậy",
        "ai gì nào khi bao đâu sao mấy giờ lâu nhiêu",
        "là",
        "",
        "của ở trong trên vào với cho từ đến được bị đã sẽ có không một các những năm lần thế tại "
        "như ra về theo và mà hồi xảy người",
        "là gì",
    ),
    "id": _words(
        "dan tapi tetapi lalu kemudian atau juga terus nah",
        "dia ia mereka itu ini nya beliau tersebut sana situ sini lain lainnya sama keduanya "
        "begitu",
        "siapa apa kapan mana dimana kemana mengapa kenapa bagaimana berapa apakah",
        "adalah ialah",
        "",
        "di ke dari pada yang untuk dengan tanpa oleh telah sudah akan tidak ada sebuah seorang "
        "tahun kali saja lama banyak terjadi",
        "apa itu",
    ),
    "ko": _words(
        "그리고 그런데 그럼 그러면 하지만 또 근데 그래서",
        "그것 그것은 그것을 그것이 그는 그가 그를 그의 그녀 그녀는 그녀가 그녀의 그들은 그들이 "
        "그 이것 "
        "이것은 이것을 이 저 거기 거기서 거기에 그곳 그곳은 그곳에 그때 그건 그게 이건 다른 같은 "
        "둘",
        "누가 누구 누구를 누구의 누구인가요 언제 언제인가요 어디 어디서 어디에 어디에서 "
        "어디인가요 왜 "
        "어떻게 얼마나 얼마 몇 무엇 무엇을 무엇이 무엇인가요 뭐 뭘 어느 어떤 언제요 어디요 왜요 "
        "누구요",
        "",
        "",
        "있나요 있습니까 인가요 입니까 했나요 되나요 하나요 년 번",
        "이란 무엇, 란 무엇",
    ),
}

UNSPACED: dict[str, SmallWords] = {
    "zh": _words(
        "那么 那麼 那 还有 還有 而且 而 但是 但 然后 然後 后来 後來 另外 可是 所以",
        "它们 它們 他们 他們 她们 她們 它 他 她 这个 這個 那个 那個 这些 這些 那些 这 這 那 其中 "
        "其 "
        "该 該 此 那里 那裡 那儿 那兒 这里 這裡 当时 當時 同样 同樣 另一个 另一個 其他 别的 別的 "
        "两者 "
        "兩者 后者 後者 前者",
        "什么时候 什麼時候 什么 什麼 谁 誰 哪里 哪裡 哪儿 哪兒 哪个 哪個 哪些 哪 为什么 為什麼 "
        "为何 "
        "為何 怎么样 怎麼樣 怎么 怎麼 怎样 怎樣 如何 多少 几 幾 何时 何時 何地 多久 多 吗 嗎 呢",
        "是",
        "",
        "的 了 在 有 被 把 和 与 與 用 从 從 到 对 對 为 為 以 于 於 也 都 就 又 会 會 能 可以 "
        "请 請 "
        "问 問 一个 一個 个 個 年 次 钱 錢 人 时 時 候 过 過 着 著 发生 發生",
        "什么是, 什麼是, 是什么意思, 谁是, 誰是",
    ),
    "ja": _words(
        "それで そして では じゃあ でも しかし それから また ところで なら",
        "それら それ これ あれ その この あの そこ ここ あそこ 彼ら 彼女 彼 そちら 当時 同じ "
        "他に 他の "
        "ほかに ほかの 別の 両方",
        "誰 だれ 何人 何年 何時 何個 何本 何回 何 なに なん いつ どこ なぜ どうして どのように "
        "どのくらい "
        "どれくらい どれ どの どう いくつ いくら どちら どんな",
        "です だ である",
        "",
        "でしたか ですか ますか ましたか たのですか のですか でしょうか られ され れ いる いた "
        "ある あった "
        "する した して から まで より へ に を は が の と も で か ね よ た っ て い う く り "
        "け ら さ "
        "年 人 回",
        "とは何, とは",
    ),
    "th": _words(
        "และ แล้ว แต่ งั้น หรือ ส่วน",
        "มัน เขา เธอ พวกเขา นั้น นี้ นั่น นี่ ที่นั่น ที่นี่ อื่น เดียวกัน ดังกล่าว ทั้งสอง",
        "ใคร อะไร เมื่อไหร่ เมื่อไร เมื่อใด ที่ไหน ไหน ทำไม อย่างไร ยังไง เท่าไหร่ เท่าไร เท่าใด กี่ ใด",
        "คือ เป็น",
        "",
        "ของ ใน บน ที่ กับ โดย จาก ถึง ได้ ถูก มี ไม่ จะ ให้ ครับ ค่ะ คะ ล่ะ ปี ครั้ง คน ตั้ง เกิด ขึ้น",
        "คืออะไร",
    ),
}
