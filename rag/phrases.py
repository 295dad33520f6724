"""What is said in the question's language around answers: fixed sentences, written by hand."""

DECLINES = {
    "en": "I could not find an answer to this in the documents.",
    "de": "Darauf habe ich in den Dokumenten keine Antwort gefunden.",
    "fr": "Je n'ai pas trouvé de réponse à cette question dans les documents.",
    "es": "No he encontrado una respuesta a esta pregunta en los documentos.",
    "it": "Non ho trovato una risposta a questa domanda nei documenti.",
    "pt": "Não encontrei uma resposta a esta pergunta nos documentos.",
    "ca": "No he trobat cap resposta a aquesta pregunta en els documents.",
    "nl": "Ik heb in de documenten geen antwoord op deze vraag gevonden.",
    "sv": "Jag hittade inget svar på den frågan i dokumenten.",
    "da": "Jeg fandt ikke noget svar på det spørgsmål i dokumenterne.",
    "nb": "Jeg fant ikke noe svar på dette spørsmålet i dokumentene.",
    "fi": "En löytänyt asiakirjoista vastausta tähän kysymykseen.",
    "el": "Δεν βρήκα απάντηση σε αυτή την ερώτηση στα έγγραφα.",
    "ru": "Я не нашёл ответа на этот вопрос в документах.",
    "uk": "Я не знайшов відповіді на це запитання в документах.",
    "bg": "Не намерих отговор на този въпрос в документите.",
    "sr": "Нисам нашао одговор на ово питање у документима.",
    "pl": "Nie znalazłem w dokumentach odpowiedzi na to pytanie.",
    "cs": "V dokumentech jsem na tuto otázku nenašel odpověď.",
    "ro": "Nu am găsit în documente un răspuns la această întrebare.",
    "hu": "A dokumentumokban nem találtam választ erre a kérdésre.",
    "tr": "Belgelerde bu sorunun yanıtını bulamadım.",
    "ar": "لم أجد في الوثائق جوابًا عن هذا السؤال.",
    "fa": "در اسناد پاسخی برای این پرسش پیدا نکردم.",
    "he": "לא מצאתי במסמכים תשובה לשאלה הזאת.",
    "ur": "مجھے دستاویزات میں اس سوال کا جواب نہیں ملا۔",
    "hi": "मुझे दस्तावेज़ों में इस प्रश्न का उत्तर नहीं मिला।",
    "bn": "নথিগুলিতে আমি এই প্রশ্নের উত্তর খুঁজে পাইনি।",
    "ta": "ஆவணங்களில் இந்தக் கேள்விக்கான பதிலை நான் காணவில்லை.",
    "zh": "我在文档中没有找到这个问题的答案。",
    "ja": "文書の中に、この質問への答えは見つかりませんでした。",
    "ko": "문서에서 이 질문에 대한 답을 찾지 못했습니다.",
    "vi": "Tôi không tìm thấy câu trả lời cho câu hỏi này trong tài liệu.",
    "th": "ฉันไม่พบคำตอบของคำถามนี้ในเอกสาร",
    "id": "Saya tidak menemukan jawaban atas pertanyaan ini di dalam dokumen.",
    "sw": "Sikupata jibu la swali hili katika nyaraka.",
}


ELSEWHERE = {
    "en": "Another document says:",
    "de": "In einem anderen Dokument steht:",
    "fr": "Un autre document dit :",
    "es": "Otro documento dice:",
    "it": "Un altro documento dice:",
    "pt": "Outro documento diz:",
    "ca": "Un altre document diu:",
    "nl": "Een ander document zegt:",
    "sv": "Ett annat dokument säger:",
    "da": "Et andet dokument siger:",
    "nb": "Et annet dokument sier:",
    "fi": "Toisessa asiakirjassa sanotaan:",
    "el": "Ένα άλλο έγγραφο λέει:",
    "ru": "В другом документе сказано:",
    "uk": "В іншому документі сказано:",
    "bg": "В друг документ пише:",
    "sr": "У другом документу пише:",
    "pl": "Inny dokument podaje:",
    "cs": "Jiný dokument uvádí:",
    "ro": "Un alt document spune:",
    "hu": "Egy másik dokumentum szerint:",
    "tr": "Başka bir belgede şöyle deniyor:",
    "ar": "وتقول وثيقة أخرى:",
    "fa": "سند دیگری می‌گوید:",
    "he": "במסמך אחר נאמר:",
    "ur": "ایک اور دستاویز کہتی ہے:",
    "hi": "एक दूसरा दस्तावेज़ कहता है:",
    "bn": "অন্য একটি নথি বলছে:",
    "ta": "மற்றொரு ஆவணம் கூறுவது:",
    "zh": "另一份文档说:",
    "ja": "別の文書によると:",
    "ko": "다른 문서에는 이렇게 되어 있습니다:",
    "vi": "Một tài liệu khác cho biết:",
    "th": "เอกสารอีกฉบับระบุว่า:",
    "id": "Dokumen lain menyebutkan:",
    "sw": "Hati nyingine inasema:",
}


def decline(language: str) -> str:
    """That there is no answer, in a language (a BCP 47 tag); in English where it is not listed."""
    return DECLINES.get(language.split("-")[0], DECLINES["en"])


def elsewhere(language: str) -> str:
    """What stands before another document's answer, in a language or in English."""
    return ELSEWHERE.get(language.split("-")[0], ELSEWHERE["en"])


def is_decline(text: str) -> bool:
    """Whether a text is one of the sentences that decline."""
    return text.strip() in DECLINES.values()
