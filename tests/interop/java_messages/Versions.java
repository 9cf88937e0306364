/** A range of versions as schemas write it: "3", "0-4", "2+", "none". */
record Versions(int lowest, int highest) {
    static Versions parse(String text) {
        if (text.equals("none")) {
            return new Versions(1, 0);
        }
        if (text.endsWith("+")) {
            return new Versions(Integer.parseInt(text.substring(0, text.length() - 1)), Short.MAX_VALUE);
        }
        String[] ends = text.split("-");
        return new Versions(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]));
    }

    boolean contain(int version) {
        return lowest <= version && version <= highest;
    }
}
