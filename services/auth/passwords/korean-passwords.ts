/**
 * Words that Korean passwords are made of, roughly the commonest first; the estimator's own lists have none in
 * Hangul and one as it is typed (`tkfkdgo`). It is no list of leaked ones, of which we know none for Korean: it is our own choice of
 * greetings and declarations of love, of what people, places, animals, teams and games are called, of common given names, and
 * of what a shop is about. Their order is a guess, too.
 */
const WORDS = `
  비밀번호 비번 사랑해 안녕하세요 안녕 사랑 사랑해요 사랑합니다 암호 패스워드 아이디 비밀 로그인 관리자 운영자 테스트
  가나다라 가나다라마바사 가나다 아자차카타파하 하나둘셋 하나둘셋넷 일이삼사 일이삼사오
  대한민국 우리나라 한국 한글 만세 서울 부산 대구 인천 광주 대전 울산 제주도 제주 독도 강남 홍대 경기도
  행복 행복하자 행복해 감사 감사합니다 고마워 고맙습니다 미안해 좋아해 좋아 보고싶다 보고싶어 힘내 화이팅 파이팅 대박 최고
  반가워 반갑습니다 영원히 영원 희망 믿음 소망 평화 자유 인생 운명 기억 추억 인연 첫사랑 내사랑 나의 우리 당신 입니다 영원한사랑
  하나님 예수님 하느님 아멘 할렐루야 주님 부처님
  엄마 아빠 우리가족 가족 아들 우리아들 딸 우리딸 누나 오빠 언니 동생 형 여보 자기야 자기 남편 아내 친구 여자친구 남자친구
  선생님 학생 학교 회사 대학교 공부 돈 부자 부자되자 로또 바보 바보야 멍청이 천재 천사 악마 공주 왕자 마녀 꼬마 이쁜이 귀염둥이
  강아지 고양이 호랑이 사자 토끼 곰돌이 돼지 꿀꿀이 나비 야옹이 멍멍이 거북이 코끼리 똘이 초코 뽀삐 까미 해피
  하늘 바다 구름 별 달 태양 봄 여름 가을 겨울 무지개 햇살 사과 딸기 바나나 포도 커피 우유 김치 라면 떡볶이 치킨 삼겹살
  축구 야구 농구 게임 컴퓨터 인터넷 핸드폰 휴대폰 삼성 현대 네이버 다음 카카오 카카오톡 구글
  스타크래프트 메이플스토리 메이플 리니지 던전앤파이터 던파 서든어택 카트라이더 롤 리그오브레전드 오버워치 배틀그라운드
  방탄소년단 동방신기 소녀시대 빅뱅 슈퍼주니어 아이유 블랙핑크 무한도전 뽀로로
  홍길동 이순신 세종대왕 김구 안중근 김민수 김철수 김영희 철수 영희
  지훈 민수 영수 성호 정훈 성훈 현우 민준 서준 도윤 예준 시우 하준 주원 지호 준서 동현 준혁 민재 상훈 진우 승현 준호 성민 재현
  은정 미경 미영 은주 은영 지영 지혜 은지 유진 수진 민지 지현 지은 수빈 예진 서연 민서 서윤 지우 서현 하은 지민 수민 혜진 은경 현정
  쇼핑몰 쇼핑 주문 배송 결제 환불 상담 상담원 고객 고객센터 회원 회원가입 구매 판매 할인 쿠폰 포인트 택배 장바구니
`;

/** As many Koreans spell them in Latin letters. */
const ROMANISED = `
  saranghae saranghaeyo sarang annyeong annyeonghaseyo annyong bimilbunho daehanminguk daehan hanguk hangul gamsahamnida
  komawo gomawo oppa unni eonni hwaiting aigoo jeju gangnam kimchi soju bulgogi taekwondo naver kakao kakaotalk bangtan
`;

/** Walks over the keyboard and the like that the estimator's lists lack; our choice as well. */
const WALKS = `a123456789 1q2w3e4r! 1q2w3e4r!! 0101oo00 q121212 homehub qwer1234 asdf1234 1q2w3e4r5t6y`;

/** The keys of the standard Korean layout (KS X 5002), in the order of Unicode's syllables. */
const LEADING = "r R s e E f a q Q t T d w W c z x v g".split(" ");
const VOWELS = "k o i O j p u P h hk ho hl y n nj np nl b m ml l".split(" ");
const TRAILING = " r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g".split(" ");
const FIRST_SYLLABLE = 0xac00;
const LAST_SYLLABLE = 0xd7a3;

/** Latin letters that come out where somebody types Hangul on a keyboard that is not set to it: `qlalfqjsgh` for 비밀번호. */
export const typedAsLatin = (hangul: string): string =>
  [...hangul].map((character) => keysOf(character.charCodeAt(0)) ?? character).join("");

function keysOf(code: number): string | undefined {
  if (code < FIRST_SYLLABLE || code > LAST_SYLLABLE) return undefined;
  const index = code - FIRST_SYLLABLE;
  const [vowel, trailing] = [Math.floor(index / TRAILING.length) % VOWELS.length, index % TRAILING.length];
  const leading = LEADING[Math.floor(index / (VOWELS.length * TRAILING.length))];
  return `${leading}${VOWELS[vowel]}${TRAILING[trailing]}`;
}

const listed = (words: string) => words.trim().split(/\s+/);

/** Dictionaries as the estimator takes them: lower case, the commonest first, and its advice follows from their names. */
export const koreanDictionaries: Record<string, string[]> = {
  "passwords-ko": [...listed(WALKS), ...listed(ROMANISED)],
  "passwords-ko-hangul": listed(WORDS),
  "passwords-ko-typed": listed(WORDS).map((word) => typedAsLatin(word).toLowerCase()),
};
