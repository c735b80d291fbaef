export const CATEGORIES: [slug: string, name: string, description: string][] = [
  ["electronics", "전자제품 · Electronics", "1년 무상 보증이 함께하는 제품입니다. Comes with a one-year warranty."],
  ["fashion", "패션 · Fashion", "매일 입기 좋은 편안한 핏입니다. Cut for every day, easy to care for."],
  ["beauty", "뷰티 · Beauty", "민감한 피부도 쓸 수 있도록 순하게 만들었습니다. Dermatologically tested."],
  ["home", "홈 · Home & Living", "작은 집에도 잘 어울리는 디자인입니다. Made for small and large homes alike."],
  ["kitchen", "주방 · Kitchen", "오래 쓸 수 있는 소재로 만들었습니다. Dishwasher safe unless noted."],
  ["food", "식품 · Food", "산지에서 바로 보내드립니다. Shipped fresh from the producer."],
  ["sports", "스포츠 · Sports & Outdoor", "가볍고 튼튼해서 어디든 함께합니다. Light, sturdy, ready to go."],
  ["books", "도서·문구 · Books & Stationery", "선물하기 좋은 포장으로 보내드립니다. Gift wrapping on request."],
];

export interface DemoProduct {
  slug: string;
  name: string;
  category: string;
  description: string;
  price: number;
  options: string;
}

/** By category, one product a line: slug | name | price in won | kind of choice. */
const LISTS: Record<string, string> = {
  electronics: `
wireless-earbuds-pro|무선 이어폰 프로|129000|colour
noise-cancelling-headphones|노이즈 캔슬링 헤드폰|289000|colours
mechanical-keyboard-87|기계식 키보드 87키|98000|colour
silent-wireless-mouse|Silent Wireless Mouse|32900|colours
usb-c-charger-65w|USB-C 고속 충전기 65W|39800|one
power-bank-20000|보조배터리 20000 mAh|45900|colour
4k-monitor-27|4K 모니터 27인치|419000|one
portable-ssd|Portable SSD|149000|storage
bluetooth-speaker-mini|블루투스 스피커 미니|59000|colours
smart-watch-active|스마트워치 액티브|219000|colour
webcam-full-hd|Full HD Webcam|54900|one
led-desk-lamp|LED 스탠드 조명|47500|colour
robot-vacuum-s1|로봇청소기 S1|379000|one
air-purifier-compact|공기청정기 컴팩트|189000|one
cordless-hair-dryer|Ionic Hair Dryer|84000|colour
tablet-11|태블릿 11인치|459000|storage
e-reader-7|E-Reader 7"|179000|one
usb-hub-7-in-1|USB-C 허브 7-in-1|52000|one
instant-camera|Instant Camera|112000|colours
smart-plug|스마트 플러그|18900|pack
gaming-controller|Wireless Game Controller|69000|colour
projector-mini|미니 빔프로젝터|259000|one
electric-toothbrush|음파 전동칫솔|64900|colour
digital-scale|스마트 체중계|35900|one
dash-cam-2k|2K Dash Cam|138000|storage`,
  fashion: `
oversized-cotton-tee|오버사이즈 코튼 티셔츠|24900|sizes
linen-shirt|리넨 셔츠|49000|sizes
slim-denim-jeans|Slim Denim Jeans|59000|sizes
wide-slacks|와이드 슬랙스|52000|sizes
cashmere-cardigan|캐시미어 가디건|138000|sizes
light-down-jacket|경량 패딩 재킷|119000|sizes
trench-coat-classic|Classic Trench Coat|189000|sizes
canvas-sneakers|캔버스 스니커즈|45000|shoes
running-shoes-air|에어 러닝화|99000|shoes
leather-loafers|Leather Loafers|129000|shoes
wool-beanie|울 비니|19900|colours
ball-cap|로고 볼캡|25000|colours
canvas-tote-bag|Canvas Tote Bag|22000|colour
mini-cross-bag|미니 크로스백|68000|colours
leather-belt|소가죽 벨트|39000|colour
silk-scarf|Silk Scarf|45000|one
hooded-sweatshirt|후드 스웨트셔츠|54000|sizes
pleated-skirt|플리츠 스커트|47000|sizes
knit-vest|니트 조끼|42000|sizes
crew-socks|크루 양말|5900|pack
pajama-set|모달 잠옷 세트|46000|sizes
raincoat-packable|Packable Raincoat|58000|sizes
card-wallet|가죽 카드지갑|35000|colours
sunglasses-round|Round Sunglasses|79000|one
hanbok-casual-jacket|생활한복 저고리|89000|sizes`,
  beauty: `
hydrating-toner|수분 진정 토너|18900|volume
centella-ampoule|병풀 앰플|24900|volume
vitamin-c-serum|Vitamin C Serum|32000|one
ceramide-cream|세라마이드 크림|27500|volume
sun-cream-spf50|선크림 SPF50+|17900|pack
cleansing-oil|클렌징 오일|21900|volume
foam-cleanser|약산성 폼 클렌저|12900|pack
sheet-mask-set|시트 마스크 10매|15000|one
lip-tint-velvet|벨벳 립 틴트|13500|one
cushion-foundation|쿠션 파운데이션|29800|one
brow-pencil|Brow Pencil|9900|one
eye-shadow-palette|Eye Shadow Palette|34000|one
hand-cream-shea|Shea Hand Cream|8900|pack
body-lotion-cotton|코튼 바디로션|16900|one
argan-hair-oil|아르간 헤어 오일|19800|volume
scalp-shampoo|두피 케어 샴푸|22500|pack
hair-treatment|단백질 트리트먼트|18500|one
perfume-fig|Fig Eau de Parfum|78000|volume
snail-essence|달팽이 에센스|23900|one
rice-mask|Rice Wash-off Mask|19500|one
lip-balm-honey|허니 립밤|6900|pack
nail-sticker-set|젤 네일 스티커|12800|one
makeup-brush-set|Makeup Brush Set|38000|one
jade-roller|괄사 롤러|15900|one
shaving-gel|Shaving Gel|11900|one`,
  home: `
cotton-bedding-set|순면 침구 세트|129000|bed
memory-foam-pillow|메모리폼 베개|39900|pack
blackout-curtain|암막 커튼|45900|colours
round-side-table|원형 사이드 테이블|68000|colour
linen-sofa-throw|Linen Sofa Throw|54000|colour
floor-lamp-wood|우드 플로어 램프|89000|one
scented-candle|Scented Candle|28000|one
reed-diffuser|디퓨저 화이트머스크|24900|one
storage-basket|라탄 수납 바구니|26500|pack
wall-clock-minimal|미니멀 벽시계|35000|colour
bath-towel-set|호텔 수건 세트|32900|colours
shower-curtain|Shower Curtain|19900|one
laundry-hamper|접이식 빨래 바구니|23900|colour
shoe-rack|신발 정리대 4단|36900|one
clothes-rack|Steel Clothes Rack|59000|colour
full-length-mirror|전신 거울|74000|colour
area-rug|단모 러그|82000|one
electric-blanket|전기요|67000|bed
humidifier-ultrasonic|초음파 가습기|42900|one
plant-pot-ceramic|Ceramic Plant Pot|18900|pack
door-mat|현관 매트|17500|one
photo-frame-oak|Oak Photo Frame|16900|pack
cushion-cover|쿠션 커버|12900|colours
tool-kit-home|가정용 공구 세트|49800|one
low-table-soban|소반 좌식 테이블|95000|one`,
  kitchen: `
cast-iron-skillet|무쇠 프라이팬|56000|one
nonstick-frying-pan|인덕션 프라이팬 28 cm|34900|one
chef-knife|Chef's Knife 20 cm|72000|one
cutting-board-walnut|월넛 도마|48000|one
rice-cooker-6|압력밥솥 6인용|239000|colour
electric-kettle|전기 포트|45900|colours
pour-over-coffee-set|핸드드립 커피 세트|52000|one
espresso-machine|Espresso Machine|329000|colour
coffee-grinder|커피 그라인더|64000|one
stone-bowl-bibimbap|비빔밥 돌솥|27900|pack
chopsticks-spoon-set|수저 세트|21900|pack
onggi-jar|옹기 항아리|43000|one
kimchi-container|김치통|29800|pack
glass-food-containers|Glass Food Containers|38500|one
wine-glasses|Wine Glasses|32000|pack
stoneware-plates|스톤웨어 접시|26900|pack
mug-handmade|핸드메이드 머그컵|19800|colours
tumbler-500|스테인리스 텀블러 500 ml|25900|colours
blender-high-speed|초고속 블렌더|159000|one
air-fryer-5l|에어프라이어 5 L|128000|colour
kitchen-scale|Kitchen Scale|22900|one
silicone-utensils|실리콘 조리도구 세트|36500|one
baking-tray|Baking Tray|17800|pack
dish-rack|식기 건조대|41900|one
apron-linen|린넨 앞치마|28900|colours`,
  food: `
jeju-tangerines|제주 감귤 5 kg|26900|one
shine-muscat|샤인머스캣|32900|one
hanwoo-sirloin|한우 등심|89000|grams
samgyeopsal|제주 흑돼지 삼겹살|27900|grams
kimchi-napa|포기김치|24500|grams
gochujang-traditional|전통 고추장|18900|grams
doenjang-aged|3년 숙성 된장|21900|grams
roasted-seaweed|구운 김 선물세트|15900|pack
sesame-oil|저온압착 참기름|19800|pack
red-ginseng-sticks|홍삼 스틱|69000|pack
drip-coffee-bags|Drip Coffee Bags|17900|pack
coffee-beans-ethiopia|Ethiopia Yirgacheffe Coffee Beans|18500|grams
green-tea-boseong|보성 녹차|22000|one
yuzu-tea|유자차|14900|pack
acacia-honey|아카시아 꿀|28900|grams
mixed-nuts|하루 견과|24900|pack
protein-bar-box|Protein Bar Box|26500|one
granola-maple|Maple Granola|13900|pack
tteokbokki-kit|국물 떡볶이 밀키트|9900|pack
mandu-frozen|고기 왕만두|12900|pack
cold-noodles|평양 냉면|15800|pack
olive-oil-extra|Extra Virgin Olive Oil|29800|one
dark-chocolate|Dark Chocolate 72%|8900|pack
rice-icheon|이천쌀 10 kg|42900|one
dried-persimmon|상주 곶감|33900|pack`,
  sports: `
yoga-mat-6mm|요가 매트 6 mm|35900|colours
foam-roller|폼롤러|24900|colour
adjustable-dumbbell|Adjustable Dumbbell|149000|one
resistance-bands|저항 밴드 세트|19900|one
jump-rope-speed|스피드 줄넘기|12900|colour
tent-2p|백패킹 텐트 2인용|239000|one
sleeping-bag|Sleeping Bag -5°C|119000|colour
camping-chair|캠핑 의자|54900|colours
camping-stove|캠핑 버너|48000|one
led-lantern|LED Lantern|32900|one
hiking-backpack-30|등산 배낭 30 L|98000|colours
trekking-poles|등산 스틱|59000|one
hiking-boots|Hiking Boots|149000|shoes
quick-dry-tee|기능성 반팔 티셔츠|27900|sizes
leggings-high-waist|하이웨이스트 레깅스|39900|sizes
windbreaker|바람막이 재킷|79000|sizes
swim-goggles|수경|22900|colour
swimsuit-onepiece|원피스 수영복|64000|sizes
badminton-racket|Badminton Racket|68000|one
tennis-balls|Tennis Balls|13900|pack
soccer-ball|축구공 5호|29900|one
bike-helmet|자전거 헬멧|58000|colours
water-bottle-insulated|Insulated Water Bottle|28900|colours
fishing-rod-set|낚싯대 세트|87000|one
golf-gloves|골프 장갑|21900|sizes`,
  books: `
typescript-in-practice|실전 타입스크립트|32000|cover
distributed-systems-design|분산 시스템 설계|38000|one
clean-kitchen-recipes|오늘의 집밥|18500|one
seoul-walks|서울 골목 산책|16800|one
korean-short-stories|Korean Short Stories|19800|cover
poetry-of-rain|비의 시집|12000|one
history-of-hangul|한글의 역사|24000|one
the-small-garden|The Small Garden|22000|cover
childrens-picture-book|달토끼 그림책|14500|one
world-atlas|World Atlas|45000|one
design-notes|디자인 노트|21000|one
economy-for-beginners|처음 만나는 경제학|17800|one
mystery-on-the-han|한강의 미스터리|15800|cover
jeju-travel-guide|Jeju Travel Guide|18900|one
dot-notebook-a5|도트 노트 A5|8900|pack
fountain-pen|만년필|54000|colours
gel-pens-12|Gel Pens, 12 Colours|14900|one
desk-planner|데스크 플래너|16500|one
washi-tape-set|마스킹 테이프 세트|9800|one
watercolour-set|고체 물감 24색|36000|one
sketchbook-a4|Sketchbook A4|12900|pack
brush-calligraphy|캘리그래피 붓펜|6500|pack
letter-set-hanji|한지 편지지 세트|11500|one
desk-organiser|Desk Organiser|27800|colour
puzzle-1000|퍼즐 1000조각|23900|one`,
};

function parse(category: string, description: string): DemoProduct[] {
  const lines = (LISTS[category] ?? "").trim().split("\n");
  return lines.map((line) => {
    const [slug = "", name = "", price = "", options = ""] = line.split("|");
    return { slug, name, category, description: `${name}. ${description}`, price: Number(price), options };
  });
}

const byCategory = CATEGORIES.map(([slug, , description]) => parse(slug, description));

/** Taken from the categories in turn, so that the newest products are not all of one kind. */
export const DEMO_PRODUCTS: DemoProduct[] = Array.from({ length: 25 }, (_, i) =>
  byCategory.flatMap((products) => products.slice(i, i + 1)),
).flat();
