/** Starts the server that pom.xml puts together. Its own starter is not among the parts. */
public class Start {
    public static void main(String[] arguments) {
        new io.trino.server.Server().start("435");
    }
}
